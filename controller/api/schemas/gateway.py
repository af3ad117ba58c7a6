"""The gateway's channels, transfers and proofs as the API shows them."""

from typing import Any

from pydantic import Field

from controller.api.schemas.base import Out, Page


class ChannelOut(Out):
    """One allowed way across, as the signed policy states it."""

    id: str
    direction: str
    lane: str
    method: str
    path: str
    peer: str
    target: str
    data_class: str
    purpose: str
    approver: str
    rate: int = Field(description="messages a minute")
    resource: str
    request: list[Any]
    response: list[Any]


class TransferOut(Out):
    """One message that met the gateway. Size in bytes, latency in milliseconds."""

    number: int
    at: str
    channel: str
    direction: str
    lane: str
    verdict: str
    rule: str
    data_class: str
    peer: str
    size: int
    state: str
    latency_ms: float | None
    hash: str


class TransferFilter(Page):
    """Which transfers."""

    channel: str | None = None
    verdict: str | None = None
    state: str | None = None


class ProofOut(Out):
    """One run of the prover; `document` is signed. An open way is a defect of the box."""

    id: str
    at: str
    level: str
    open_ways: int
    document: dict[str, Any]
