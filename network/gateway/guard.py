"""The guard process: policy and journal in a namespace without a network, joined by four pipes."""

import argparse
import os
import select
import sys
from pathlib import Path

from appliance.clock import iso
from appliance.signing import BadKey, VerifyKey
from network.gateway import seccomp
from network.gateway.exchange import Exchange
from network.gateway.frames import Splitter, render
from network.gateway.journal import Journal
from network.gateway.policy import Loaded, PolicyInvalid, load

_BUFFER_LIMIT = 64 << 20  # bytes waiting for a leg; a leg that stopped reading is a dead leg
_READ = 1 << 20


class LegGone(Exception):
    """A leg closed its pipe or stopped reading; the launcher starts all three again."""


class Pipe:
    """Both one-way pipes to one leg."""

    def __init__(self, side: str, reader: int, writer: int) -> None:
        self.side, self.reader, self.writer = side, reader, writer
        self._splitter = Splitter()
        self._waiting = bytearray()
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
        """Queue bytes for the leg."""
        self._waiting += data
        if len(self._waiting) > _BUFFER_LIMIT:
            raise LegGone(self.side)

    def flush(self) -> bool:
        """Write what the pipe takes now; return whether something is left."""
        try:
            while self._waiting:
                del self._waiting[: os.write(self.writer, self._waiting)]
        except BlockingIOError:
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
    given = parser.parse_args()
    os.umask(0o077)
    loaded = policy_or_none(given.folder, os.environ.get("HBOX_POLICY_KEY", ""))
    journal = Journal(given.folder / "journal")
    pipes = [
        Pipe("extranet", given.from_front, given.to_front),
        Pipe("intranet", given.from_back, given.to_back),
    ]
    seccomp.apply(seccomp.guard())
    exchange = Exchange(loaded, journal)
    say(f"ready, policy {loaded.digest if loaded else 'none: deny all'}")
    try:
        serve(exchange, pipes)
    except LegGone as gone:
        say(f"leg gone: {gone}")
        sys.exit(1)


if __name__ == "__main__":
    main()
