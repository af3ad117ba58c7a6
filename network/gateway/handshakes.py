"""Public-key work of handshakes in one thread, the peers taking turns, so that it delays no message."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Does one piece of work at a time; whoever has much to do waits for those who have little."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._lines: dict[str, deque[tuple[Callable[[], T], Callable[[T], None]]]] = {}
        self._working = False

    def submit(self, peer: str, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Do `work` (it must not raise) when it is `peer`'s turn, then call `done` in the loop."""
        self._lines.setdefault(peer, deque()).append((work, done))
        if not self._working:
            self._next()

    def close(self) -> None:
        """Drop what waits."""
        self._lines.clear()
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None

    def _next(self) -> None:
        peer = next(iter(self._lines), None)
        self._working = peer is not None
        if peer is None:
            return
        line = self._lines.pop(peer)
        work, done = line.popleft()
        if line:
            self._lines[peer] = line  # behind all others: a dict keeps the order of coming
        if self._thread is None:
            # Made only here: it inherits the system call filter that the leg has put on by now.
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="handshake")
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        future.add_done_callback(lambda f: self._finished(f, done))

    def _finished(self, future: "asyncio.Future[T]", done: Callable[[T], None]) -> None:
        if future.cancelled():
            return
        try:
            done(future.result())
        finally:
            self._next()
