"""The protocols that may cross, one file each."""

from network.gateway.protocols.base import Content, Crossing, Outcome, Plan, Reply
from network.gateway.protocols.fhir import Fhir
from network.gateway.protocols.files import Files
from network.gateway.protocols.hl7v2 import Hl7v2
from network.gateway.protocols.http_json import HttpJson

PROTOCOLS: dict[str, Content] = {
    "fhir": Fhir(),  # before http-json, which speaks where no channel is meant
    "http-json": HttpJson(),
    "files": Files(),
    "hl7v2": Hl7v2(),
}

__all__ = ["PROTOCOLS", "Content", "Crossing", "Outcome", "Plan", "Reply"]
