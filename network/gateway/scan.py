"""The scanner process: asks clamd about bytes and held files; joined to the guard by two pipes only."""

import argparse
import os
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from appliance.clock import iso, monotonic
from network.gateway import clamd, seccomp
from network.gateway.clamd import AWAY, LATE, MISSING, Verdict
from network.gateway.frames import Frame, Kind, Splitter, render

AT_ONCE = 4
OUTSTANDING = 512  # scans taken from the pipe; more are told at once that nobody looks at them
PATIENCE = 30.0  # seconds for a scan that names no limit
_LONGEST = 300.0  # seconds


class Scanner:
    """Answers every SCAN with one VERDICT, four at a time, in whatever order they end.

    It reads on while clamd is slow: one that stopped would count as dead, and end all traffic.
    """

    def __init__(self, socket: Path, held: Path, writer: int) -> None:
        self._socket, self._held, self._writer = socket, held, writer
        self._room = threading.Semaphore(OUTSTANDING)
        self._mouth = threading.Lock()

    def serve(self, reader: int) -> None:
        """Run until the guard's pipe ends; what is not a frame raises `FrameBroken`."""
        splitter = Splitter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while data := os.read(reader, 1 << 20):
                for frame in splitter.feed(data):
                    if frame.kind is Kind.SCAN:
                        if self._room.acquire(blocking=False):
                            pool.submit(self._answer, frame, monotonic())
                        else:
                            self._tell(frame, AWAY)

    def _answer(self, asked: Frame, came: float) -> None:
        try:
            self._tell(asked, self.judge(asked, monotonic() - came))
        except BaseException as error:  # noqa: BLE001 - a scan without a verdict would wait for ever
            say(f"scan {asked.ident}: {type(error).__name__}: {error}")
            os._exit(1)
        finally:
            self._room.release()

    def _tell(self, asked: Frame, verdict: Verdict) -> None:
        data = render(Frame(Kind.VERDICT, asked.ident, code=verdict.code, status=verdict.status))
        with self._mouth:
            while data:
                data = data[os.write(self._writer, data) :]

    def judge(self, asked: Frame, waited: float = 0.0) -> Verdict:
        """Return clamd's verdict on the body, or on the held file that `target` names.

        `waited` are the seconds of its limit that are gone already; nobody waits for what is over it.
        """
        seconds = min(asked.limit / 1000 if asked.limit else PATIENCE, _LONGEST) - waited
        if seconds <= 0:
            return LATE
        if not asked.target:
            return clamd.scan_bytes(self._socket, asked.body, seconds)
        try:
            descriptor = self._open(asked.target)
        except OSError:
            return MISSING
        try:
            return clamd.scan_file(self._socket, descriptor, seconds)
        finally:
            os.close(descriptor)

    def _open(self, target: str) -> int:
        name = target.removeprefix("/")
        if not name or "/" in name or name.startswith("."):
            raise FileNotFoundError(target)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self._held / name, flags)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(target)
        return descriptor


def say(line: str) -> None:
    """Write one line to the log, which is standard error."""
    sys.stderr.write(f"{iso()} {line}\n")
    sys.stderr.flush()


def main() -> None:
    """Run as the launcher starts it: pipe ends by number."""
    parser = argparse.ArgumentParser()
    for name in ("reader", "writer", "secrets"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("socket", "held"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    os.close(given.secrets)  # it has none
    seccomp.apply(seccomp.scan())
    say("ready")
    Scanner(given.socket, given.held, given.writer).serve(given.reader)
    say("the guard's pipe ended")
    sys.exit(1)


if __name__ == "__main__":
    main()
