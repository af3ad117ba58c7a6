"""Transfers, their search, alerts, exports, looks and daily reports as the API shows and takes them."""

from typing import Any, Literal

from pydantic import Field

from controller.api.schemas.base import In, Out, Page, Query, TextOut
from controller.records import alerts
from controller.records.exchange import Alert
from controller.records.gateway import Wanted


class TransferOut(Out):
    """One message that met the gateway. Size in bytes, latency in milliseconds.

    `count`: how many refusals alike it stands for. `dropped`, `masked`, `inert` count fields left out,
    masked, or made harmless; `found` says which personal numbers stood where none is declared.
    """

    number: int
    at: str
    channel: str
    direction: str
    lane: str
    kind: str
    purpose: str
    data_class: str
    peer: str
    address: str
    verdict: str
    rule: str
    state: str
    note: str
    found: str
    dropped: int
    masked: int
    inert: int
    attempts: int
    count: int
    size: int
    latency_ms: float | None
    ended_at: str | None
    delivery: str
    hash: str


class Search(Query):
    """Which transfers: every part given narrows it."""

    channel: str | None = Field(default=None, max_length=64)
    verdict: str | None = Field(default=None, max_length=16)
    state: str | None = Field(default=None, max_length=16)
    direction: Literal["extranet->intranet", "intranet->extranet"] | None = None
    data_class: str | None = Field(default=None, max_length=32)
    kind: str | None = Field(default=None, max_length=120)
    rule: str | None = Field(default=None, max_length=120)
    delivery: str | None = Field(default=None, max_length=40)
    who: str | None = Field(
        default=None, max_length=64, description="address, or name of a machine or module"
    )
    since: str | None = Field(default=None, max_length=40, description="RFC 3339, UTC")
    until: str | None = Field(
        default=None, max_length=40, description="RFC 3339, UTC; not included"
    )
    slower: float | None = Field(default=None, ge=0, description="latency over, milliseconds")
    text: str | None = Field(default=None, max_length=120, description="in rule or note")
    personal: bool = Field(default=False, description="only with personal numbers found")


class TransferFilter(Search, Page):
    """Which transfers, and which part of the list of them."""

    def wanted(self) -> Wanted:
        """Return the search."""
        return Wanted(**self.model_dump())


class ExportIn(Search):
    """What is to be exported; the same conditions as a search."""

    def wanted(self) -> Wanted:
        """Return the search."""
        return Wanted(**self.model_dump())


class ExportForm(Query):
    """Which file of an export: `sig` holds digests, journal head and signature."""

    form: Literal["csv", "json", "sig"] = "csv"


class LookIn(In):
    """Why a body is looked into, which part, masked or in clear, and the key it is sealed for."""

    reason: str = Field(min_length=8, max_length=300)
    part: Literal["message", "answer"] = "message"
    clear: bool = False
    public_key: str = Field(pattern="^[0-9a-f]{64}$", description="X25519, hex, used once")


class LookOut(Out):
    """A look, sealed (HPKE, base64) for the asker's key; `purpose` is the info it was sealed with."""

    sealed: str
    purpose: str


class AlertOut(Out):
    """Something of the exchange that wants a person."""

    id: str
    rule: str
    subject: str
    tone: str
    what: TextOut
    why: TextOut
    remedy: TextOut
    facts: dict[str, Any]
    evidence: int
    opened_at: str
    seen_at: str
    closed_at: str | None
    acknowledged_by: str | None
    acknowledged_at: str | None

    @classmethod
    def of(cls, row: Alert) -> "AlertOut":
        """Return the API's form of a row, with its words."""
        words = alerts.words(row)
        told = {name: TextOut.of(getattr(words, name)) for name in ("what", "why", "remedy")}
        plain = {name: getattr(row, name) for name in cls.model_fields.keys() - told.keys()}
        return cls.model_validate({**plain, **told})


class AlertFilter(Query):
    """Which alerts: with `all` also those that are over."""

    all: bool = False
    limit: int = Field(default=100, ge=1, le=1000)


class ReportOut(Out):
    """The exchange's report of one day; `digest` is the SHA-256 of what is signed."""

    day: str
    at: str
    digest: str
    summary: dict[str, Any]


class ReportIn(In):
    """Of which day (Beijing time) a report is wanted."""

    day: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
