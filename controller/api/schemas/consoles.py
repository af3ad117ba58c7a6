"""Console sessions in and out of the API."""

from typing import Literal

from pydantic import Field

from controller.api.schemas.base import In, Out, Query
from controller.records.cluster import ConsoleSession


class ConsoleIn(In):
    """Which console: the screen, the screen to watch only (no keyboard, no mouse), or the serial line."""

    what: Literal["screen", "watch", "serial"]


class ConsoleFilter(Query):
    """Which sessions: of one machine (its id), only those that go on."""

    vm: str | None = Field(default=None, max_length=64)
    living: bool = False
    limit: int = Field(default=100, ge=1, le=1000)


class ConsoleOut(Out):
    """Who looked at which machine, when, and what passed; never what was seen or typed.

    `state`: asked, open, closed, expired, failed. `bytes_in` came from the viewer.
    """

    id: str
    vm_id: str
    vm_name: str
    account: str
    kind: str
    state: str
    job_id: str
    asked_at: str
    opened_at: str | None
    closed_at: str | None
    peer: str
    bytes_in: int
    bytes_out: int
    why: str

    @classmethod
    def of(cls, row: ConsoleSession) -> "ConsoleOut":
        """Return the API's form of a session's row."""
        return cls.model_validate(row)


class TicketOut(Out):
    """Opens the session's one connection: to be sent as the first message of the WebSocket.

    On the box itself the WebSocket is at `socket`, over TLS at `port` of the console's address.
    """

    session: str
    ticket: str
    port: int
    socket: str
    seconds: int = Field(description="how long the ticket is good")
