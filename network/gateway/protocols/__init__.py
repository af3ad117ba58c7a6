"""The protocols that may cross, one file each."""

from network.gateway.protocols.base import Content, Crossing, Outcome, Plan, Reply
from network.gateway.protocols.http_json import HttpJson

PROTOCOLS: dict[str, Content] = {
    "http-json": HttpJson(),
}

__all__ = ["PROTOCOLS", "Content", "Crossing", "Outcome", "Plan", "Reply"]
