"""When a console must end although both ends would go on: cut, idle, too long, or the login is over."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from appliance.clock import monotonic
from appliance.errors import BoxError, Unauthenticated
from appliance.settings import Settings
from controller.access import sessions
from controller.records.cluster import ConsoleSession
from controller.records.session import reading

if TYPE_CHECKING:
    from controller.console.lines import Line

_EVERY = 1.0  # seconds between two looks at the session's row
_LOGIN = 2  # looks between two at the login
Lasts = Callable[[bool], bool]
"""Whether the login that a console belongs to is still good; told whether somebody is at work there."""


def login(engine: Engine, settings: Settings, cookie: str, peer: str) -> Lasts:
    """Return the look at a browser's login; whoever works at the console keeps it alive."""

    def lasts(working: bool) -> bool:  # noqa: FBT001 - one question, one answer
        try:
            sessions.whose(engine, settings, cookie, source=peer, touch=working)
        except Unauthenticated:
            return False
        return True

    return lasts


@dataclass
class Watch:
    """The watch over one session; `lasts` None: it came from this machine's own socket."""

    settings: Settings
    engine: Engine
    session_id: str
    lasts: Lasts | None = None

    async def until_over(self, line: "Line") -> str:
        """Wait until the session must end; return why."""
        looks = 0
        while True:
            await asyncio.sleep(_EVERY)
            looks += 1
            try:
                why = self._too_long(line) or await asyncio.to_thread(self._over, line, looks)
            except BoxError:
                continue  # the records are away for a while: who is connected stays so
            if why:
                return why

    def _too_long(self, line: "Line") -> str:
        now = monotonic()
        if now - line.acted > self.settings.session_idle:
            return f"{self.settings.session_idle} 秒无操作 nobody did anything for so many seconds"
        if now - line.began > self.settings.session_absolute:
            return "达到最长时间 it lasted as long as a session may"
        return ""

    def _over(self, line: "Line", looks: int) -> str:
        with reading(self.engine) as session:
            row = session.get(ConsoleSession, self.session_id)
        if row is None or row.state != "open":
            return row.why if row is not None and row.why else "已被断开 it was cut"
        working = monotonic() - line.acted < _EVERY * _LOGIN + 1
        if self.lasts is not None and looks % _LOGIN == 0 and not self.lasts(working):
            return "登录已结束 the login is over"
        return ""
