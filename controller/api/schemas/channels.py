"""Channels, the changes asked for, and orders, in and out of the API."""

from typing import Any, Literal

from pydantic import Field

from controller.api.schemas.base import BIGGEST, In, Out, Page
from controller.records.changes import difference, tried
from controller.records.exchange import ChannelChange


class ChannelOut(Out):
    """One allowed way across, as the signed policy states it.

    `origin` is `module` (declared by a module's manifest) or `text` (a reviewed text, whose `version`
    counts its changes). Limits: messages, bytes, seconds, hours or days as their names say.
    """

    id: str
    origin: Literal["module", "text"]
    version: int | None
    paused: bool
    direction: str
    lane: str
    protocol: str
    peer: str
    port: int
    tls: str
    client_cert: str
    target: str
    target_tls: str
    target_cert: str
    method: str
    path: str
    query: list[str]
    resource: str
    request: list[Any]
    response: list[Any]
    resources: list[Any]
    types: list[str]
    parts: list[Any]
    charset: str
    media: list[str]
    leak: str
    bulk: bool
    data_class: str
    purpose: str
    requester: str
    approver: str
    windows: list[Any]
    rate: int = Field(description="messages a minute")
    quota: int = Field(description="messages a day, 0: none")
    time_limit: float
    attempts: int
    body_limit: int
    queue_limit: int
    replay_hours: int
    retention_days: int


class ChangeIn(In):
    """A change of a channel. `base` is the version it was made on; left out: the present one."""

    op: Literal["new", "change", "remove"]
    text: str = Field(default="", max_length=131072)
    reason: str
    base: int | None = Field(default=None, ge=0, le=BIGGEST)


class ChangeFilter(Page):
    """Which changes."""

    channel: str | None = None
    state: Literal["pending", "approved", "rejected"] | None = None


class ChangeOut(Out):
    """One change asked for: by whom, why, what it opens further (`widens`), and how it was decided.

    `tried` says whether a dry run of exactly this change was made.
    """

    number: int
    channel: str
    op: str
    base: int
    version: int | None
    state: str
    reason: str
    widens: list[str]
    requester: str
    requested_at: str
    approver: str | None
    decided_at: str | None
    decision: str | None
    digest: str = Field(description="SHA-256 of what is approved")
    tried: bool
    tried_at: str | None
    job_id: str

    @classmethod
    def of(cls, row: ChannelChange) -> "ChangeOut":
        """Return the API's form of a row."""
        return cls(**_told(row, cls))


class ChangeDetail(ChangeOut):
    """A change with the whole text, the one it replaces, their difference, and the last dry run."""

    text: str
    before: str
    diff: str
    trial: dict[str, Any] | None

    @classmethod
    def of(cls, row: ChannelChange) -> "ChangeDetail":
        """Return the API's form of a row, whole."""
        return cls(**_told(row, cls), diff=difference(row.before, row.text))


class TryIn(In):
    """How far back the dry run looks, hours."""

    hours: int = Field(default=24, ge=1, le=744)


class ApproveChangeIn(In):
    """Which change, exactly: `digest` is the one that was read."""

    digest: str
    comment: str = ""


class PeerIn(In):
    """A hospital system that asks for a client certificate: `request` is PKCS #10 in PEM."""

    name: str
    address: str
    tls: Literal["tls", "sm"]
    request: str = Field(max_length=16384)


class ReasonIn(In):
    """Why."""

    reason: str


def _told(row: ChannelChange, shape: type[ChangeOut]) -> dict[str, Any]:
    made = {"tried", "diff"}
    kept = {name: getattr(row, name) for name in shape.model_fields.keys() - made}
    return kept | {"tried": tried(row)}
