"""The guard process: policy and journal in a namespace without a network, joined by pipes only."""

import argparse
import os
import select
import sys
from pathlib import Path

from appliance.clock import iso, monotonic
from appliance.signing import BadKey, VerifyKey
from network.gateway import seccomp
from network.gateway.exchange import SCANNER, Exchange, Surroundings
from network.gateway.frames import Splitter, render
from network.gateway.journal import Journal, JournalLost
from network.gateway.orders import Inbox
from network.gateway.policy import Loaded, PolicyInvalid, load
from network.gateway.spool import Spool
from network.gateway.vault import BadJournalKey, Vault, handed

_PATIENCE = 30.0  # seconds in which a leg must have read something; one that does not is a dead leg
_READ = 1 << 20
_MOST = 256 << 20  # bytes waiting for a leg, which asks and asks and hardly reads


class LegGone(Exception):
    """A leg closed its pipe or stopped reading; the launcher starts all three again."""


class Pipe:
    """Both one-way pipes to one leg."""

    def __init__(self, side: str, reader: int, writer: int) -> None:
        self.side, self.reader, self.writer = side, reader, writer
        self._splitter = Splitter()
        self._waiting = bytearray()
        self._moved = 0.0  # when the leg last took something, or had nothing to take
        self.left = False  # whether the pipe was full when it was last written to
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)

    def read_into(self, exchange: Exchange) -> None:
        """Give every whole frame that has come to `exchange`."""
        data = os.read(self.reader, _READ)
        if not data:
            raise LegGone(self.side)
        for frame in self._splitter.feed(data):
            exchange.take(self.side, frame)

    def send(self, data: bytes) -> None:
        """Queue bytes for the leg, more than an honest one can have asked for; else it counts as gone."""
        if not self._waiting:
            self._moved = monotonic()
        self._waiting += data
        if len(self._waiting) > _MOST:
            raise LegGone(self.side)

    def flush(self) -> bool:
        """Write what the pipe takes now; return whether something is left."""
        try:
            while self._waiting:
                del self._waiting[: os.write(self.writer, self._waiting)]
                self._moved = monotonic()
        except BlockingIOError as error:
            if monotonic() - self._moved > _PATIENCE:
                raise LegGone(self.side) from error
            return True
        except BrokenPipeError as error:
            raise LegGone(self.side) from error
        return False


def serve(exchange: Exchange, pipes: list[Pipe]) -> None:
    """Run until a leg is gone. All frames of one round share one fdatasync."""
    poll = select.epoll()
    by_descriptor = {pipe.reader: pipe for pipe in pipes}
    by_side = {pipe.side: pipe for pipe in pipes}
    for pipe in pipes:
        poll.register(pipe.reader, select.EPOLLIN)
        poll.register(pipe.writer, 0)
    while True:
        for descriptor, event in poll.poll(exchange.wait()):
            if event & select.EPOLLIN:
                by_descriptor[descriptor].read_into(exchange)
            elif event & (select.EPOLLHUP | select.EPOLLERR):
                raise LegGone(str(descriptor))
        exchange.tick()
        for side, frame in exchange.commit():
            by_side[side].send(render(frame))
        for pipe in pipes:
            _flush(pipe, poll)


def _flush(pipe: Pipe, poll: select.epoll) -> None:
    left = pipe.flush()
    if left is not pipe.left:
        poll.modify(pipe.writer, select.EPOLLOUT if left else 0)
        pipe.left = left


def policy_or_none(folder: Path, pem: str) -> Loaded | None:
    """Return the policy, or None (deny all) with the reason on standard error."""
    try:
        return load(folder, VerifyKey.from_pem(pem.encode()))
    except (PolicyInvalid, BadKey) as error:
        say(f"拒绝全部 deny all: {error.message.zh} {error.message.en}")
    return None


def inbox_or_none(folder: Path, pem: str) -> Inbox | None:
    """Return where an operator's orders come in; None without the key that signs them."""
    try:
        return Inbox(folder, VerifyKey.from_pem(pem.encode()), say)
    except BadKey:
        return None


def vault_or_none(descriptor: int) -> Vault | None:
    """Return the journal's keys, or None (deny all) with the reason on standard error."""
    try:
        return handed(descriptor)
    except BadJournalKey as error:
        say(f"拒绝全部 deny all: {error.message.zh} {error.message.en}")
    return None


def say(line: str) -> None:
    """Write one line to the log, which is standard error."""
    sys.stderr.write(f"{iso()} {line}\n")
    sys.stderr.flush()


def main() -> None:
    """Run as the launcher starts it: pipe ends by number, the policy key in the environment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    for name in ("from-front", "to-front", "from-back", "to-back"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("from-scan", "to-scan"):
        parser.add_argument(f"--{name}", type=int, default=-1)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--secrets", type=int, required=True)
    given = parser.parse_args()
    os.umask(0o027)  # a leg or the scanner reads the files that are meant for it by its group
    pem = os.environ.get("HBOX_POLICY_KEY", "")
    loaded = policy_or_none(given.folder, pem)
    vault = vault_or_none(given.secrets)
    loaded = loaded if vault else None
    journal = Journal(given.folder / "journal", vault)
    pipes = [
        Pipe("extranet", given.from_front, given.to_front),
        Pipe("intranet", given.from_back, given.to_back),
    ]
    if given.from_scan >= 0:
        pipes.append(Pipe(SCANNER, given.from_scan, given.to_scan))
    around = Surroundings(
        inbox=inbox_or_none(given.folder, pem),
        spool=Spool(given.folder / "spool"),
        scanner=given.from_scan >= 0,
        port=given.port,
    )
    seccomp.apply(seccomp.guard())
    exchange = Exchange(loaded, journal, around)
    say(f"ready, policy {loaded.digest if loaded else 'none: deny all'}")
    try:
        serve(exchange, pipes)
    except LegGone as gone:
        say(f"leg gone: {gone}")
        sys.exit(1)
    except JournalLost as lost:
        say(f"{lost.message.zh} {lost.message.en}")
        sys.exit(1)


if __name__ == "__main__":
    main()
