"""The door for files: finds what was put into the outgoing folders, and places what comes in."""

import asyncio
import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from appliance.clock import monotonic
from appliance.files import write_atomically
from network.gateway import placing, refusals
from network.gateway.desk import Asked, Desk
from network.gateway.frames import Frame, Kind
from network.gateway.refusals import GatewayRefusal

STEADY = 1.0  # seconds without a change after which a file counts as whole
_SEEN_AT_ONCE = 1000  # files of one folder looked at in one round
_LATER = (2.0, 5.0, 15.0, 60.0)  # seconds before a file is offered again
_FORGET = 3600.0


@dataclass(frozen=True)
class Form:
    """What tells one state of a file from another."""

    inode: int
    size: int
    changed: int


@dataclass(frozen=True)
class Offer:
    """A whole file in an outgoing folder."""

    channel: str
    name: str
    form: Form


class Outgoing:
    """The folders `out/<channel>/`; remembers what it saw, so as to know what has come whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[tuple[str, str], tuple[Form, float]] = {}

    def whole(self, now: float) -> list[Offer]:
        """Return the oldest whole file of each channel's folder."""
        seen: dict[tuple[str, str], tuple[Form, float]] = {}
        ready: dict[str, Offer] = {}
        for offer in self._found():
            at = (offer.channel, offer.name)
            form, since = self._seen.get(at, (offer.form, now))
            seen[at] = (offer.form, since if form == offer.form else now)
            first = ready.get(offer.channel)
            earlier = first is None or _order(offer) < _order(first)
            if earlier and now - seen[at][1] >= STEADY:
                ready[offer.channel] = offer
        self._seen = seen
        return list(ready.values())

    def _found(self) -> Iterator[Offer]:
        for channel in sorted(_names(self._folder)):
            for name in sorted(_names(self._folder / channel))[:_SEEN_AT_ONCE]:
                form = _form(self._folder / channel / name)
                if form is not None:
                    yield Offer(channel, name, form)


def _order(offer: Offer) -> tuple[int, str]:
    return offer.form.changed, offer.name


def _names(folder: Path) -> list[str]:
    try:
        found = os.listdir(folder)  # noqa: PTH208 - names are wanted
    except OSError:
        return []
    return [name for name in found if not name.startswith(".") and not name.endswith(".part")]


def _form(path: Path) -> Form | None:
    try:
        told = path.lstat()
    except OSError:
        return None
    return Form(told.st_ino, told.st_size, told.st_mtime_ns) if stat.S_ISREG(told.st_mode) else None


class Drop:
    """One leg's files. What touches the disk runs in a thread of its own."""

    secure = ""
    port = 0

    def __init__(self, desk: Desk, spool: Path, side: str, address: str) -> None:
        self._desk, self._own, self.peer = desk, spool / side, address
        self._given = spool / "guard" / side
        self._outgoing = Outgoing(self._own / "out")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="files")
        self._open: set[str] = set()
        self._later: dict[str, tuple[float, int]] = {}
        self._looking = False
        self._forgotten = 0.0

    def close(self) -> None:
        """Stop."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    # What goes out

    def check(self, now: float) -> None:
        """Look for whole files; called every second."""
        if self._looking:
            return
        self._looking = True
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._look, now)
        work.add_done_callback(self._looked)

    def _look(self, now: float) -> list[Offer]:
        if now - self._forgotten > _FORGET:
            self._forgotten = now
            placing.forget(self._own / "in")
        return self._outgoing.whole(now)

    def _looked(self, work: "asyncio.Future[list[Offer]]") -> None:
        self._looking = False
        if work.cancelled():
            return
        for offer in work.result():
            due, _ = self._later.get(offer.channel, (0.0, 0))
            if offer.channel not in self._open and due <= monotonic():
                self._open.add(offer.channel)
                self._offer(offer)

    def _offer(self, offer: Offer) -> None:
        told = {"name": offer.name, "channel": offer.channel, "size": offer.form.size}
        target = f"/{quote(offer.channel, safe='')}/{quote(offer.name, safe='')}"
        body = json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogateescape")
        self._desk.asked(self, offer, Asked("FILE", target, "", body))

    def answer(
        self,
        slot: object,
        status: int,
        content_type: str,  # noqa: ARG002 - the desk's form
        body: bytes,
        *,
        location: str = "",  # noqa: ARG002
        etag: str = "",  # noqa: ARG002
    ) -> None:
        """Settle an offer: taken, refused for good, or to be offered again."""
        if not isinstance(slot, Offer):
            raise TypeError("not an offer")
        if status == 429 or status >= 500:
            _, tries = self._later.get(slot.channel, (0.0, 0))
            wait = _LATER[min(tries, len(_LATER) - 1)]
            self._later[slot.channel] = (monotonic() + wait, tries + 1)
            self._open.discard(slot.channel)
            return
        self._later.pop(slot.channel, None)
        settle: Callable[[], None] = (
            (lambda: remove(self._own, slot))
            if status < 300
            else (lambda: put_aside(self._own, slot, body))
        )
        work = asyncio.get_running_loop().run_in_executor(self._thread, settle)
        work.add_done_callback(lambda w: self._settled(w, slot.channel))

    def _settled(self, work: "asyncio.Future[None]", channel: str) -> None:
        if not work.cancelled() and isinstance(work.exception(), OSError):
            # A folder that cannot be written to: looked at again, not in a hurry.
            self._later[channel] = (monotonic() + _LATER[-1], len(_LATER))
        self._open.discard(channel)

    def deny(self, slot: object, refusal: GatewayRefusal) -> None:
        """See `Doorway.deny`."""
        said = json.dumps(refusals.body(refusal)).encode()
        self.answer(slot, refusal.status, "application/json", said)

    # What comes in

    async def make(self, call: Frame) -> Frame:
        """Place the file that the guard gives out; the result's `code` says why not."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(call.limit / 1000):
                await loop.run_in_executor(
                    self._thread, placing.place, self._given, self._own / "in", call
                )
        except TimeoutError:
            return Frame(Kind.RESULT, call.ident, code="late")
        except placing.NotPlaced as why:
            return Frame(Kind.RESULT, call.ident, code=str(why)[:120])
        return Frame(Kind.RESULT, call.ident, status=200)


def remove(own: Path, offer: Offer) -> None:
    """Remove a file that was taken, unless another has come under its name since."""
    path = own / "out" / offer.channel / offer.name
    if _form(path) == offer.form:
        path.unlink(missing_ok=True)


def put_aside(own: Path, offer: Offer, reason: bytes) -> None:
    """Move a refused file to `refused/<channel>/`, with the reason beside it."""
    path = own / "out" / offer.channel / offer.name
    if _form(path) != offer.form:
        return
    folder = own / "refused" / offer.channel
    folder.mkdir(parents=True, exist_ok=True)
    # Two refused files of one name must both be found: the inode tells them apart.
    name = offer.name if not (folder / offer.name).exists() else f"{offer.form.inode}-{offer.name}"
    write_atomically(folder / f"{name}.reason.json", reason, mode=0o640)
    path.rename(folder / name)
