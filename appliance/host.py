"""Access to a machine: run a program, read and write files. The only user of `subprocess`."""

import contextlib
import errno
import os
import selectors
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from appliance.clock import monotonic
from appliance.errors import Failed, Text, Unavailable
from appliance.files import write_atomically as write_atomically  # noqa: PLC0414 - callers know it from here


@dataclass(frozen=True)
class Result:
    """What a program said: exit `code` and its raw output."""

    argv: tuple[str, ...]
    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Standard output as text; undecodable bytes are replaced."""
        return self.out.decode("utf-8", "replace")

    def well(self, command: str) -> "Result":
        """Return it; raises `CommandFailed` for a code other than 0, with the end of what `command` said."""
        if self.code != 0:
            tail = (self.err or self.out).decode("utf-8", "replace").strip()[-2000:]
            raise CommandFailed(command=command, exit=self.code, why=tail)
        return self


class CommandFailed(Failed):
    """A program ended with a code other than 0."""

    code = "host.command_failed"
    text = Text("命令 {command} 以 {exit} 结束：{why}", "{command} ended with {exit}: {why}")


class CommandTimeout(Unavailable):
    """A program did not end within its time limit (`limit`, seconds)."""

    code = "host.command_timeout"
    text = Text("命令 {command} 在 {limit} 秒内未结束", "{command} did not end within {limit} s")


class CommandTooLong(Unavailable):
    """A program said more than `limit` bytes; `heard` is how the output began."""

    code = "host.command_too_long"
    text = Text("命令 {command} 的输出超过 {limit} 字节", "{command} said more than {limit} bytes")
    heard: bytes = b""


class CommandMissing(Unavailable):
    """The program is not installed."""

    code = "host.command_missing"
    text = Text("未安装命令 {command}", "{command} is not installed")
    hint = Text("请安装提供该命令的软件包。", "Install the package that provides it.")


class Host(Protocol):
    """A machine that can be asked and told; `LocalHost` here, over SSH in `hardware`."""

    @property
    def name(self) -> str:
        """What a person calls this machine."""
        ...

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60.0,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run `argv` without a shell; `timeout` in seconds; with `check`, a code other than 0 raises."""
        ...

    def read(self, path: str) -> bytes:
        """Return the content of a file; raises `FileNotFoundError` like `open` does."""
        ...

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Replace a file atomically: whole and on disk, or unchanged."""
        ...


class LocalHost:
    """The machine this process runs on."""

    name = "local"

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60.0,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """See `Host.run`. `env` is added to the present environment."""
        merged = {**os.environ, **env} if env else None
        try:
            done = subprocess.run(
                list(argv),
                input=stdin,
                capture_output=True,
                timeout=timeout,
                check=False,
                env=merged,
            )
        except FileNotFoundError as error:
            raise CommandMissing(command=argv[0]) from error
        except subprocess.TimeoutExpired as error:
            raise CommandTimeout(command=argv[0], limit=timeout) from error
        result = Result(tuple(argv), done.returncode, done.stdout, done.stderr)
        return result.well(argv[0]) if check else result

    def read(self, path: str) -> bytes:
        """See `Host.read`."""
        return Path(path).read_bytes()

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """See `Host.write`."""
        write_atomically(Path(path), data, mode=mode)


class BoundedHost(LocalHost):
    """This machine, of which nothing is believed: no answer costs more than `most` bytes or its time.

    What a program started is ended with it, so that nothing keeps its output open.
    """

    def __init__(self, most: int) -> None:
        self._most = most

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60.0,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """See `Host.run`; raises `CommandTooLong` too. It may be given no standard input."""
        if stdin:
            raise ValueError("a bounded command is given no input")
        heard = hear(argv, timeout=timeout, most=self._most, env=env)
        if heard.late:
            raise CommandTimeout(command=argv[0], limit=timeout)
        if heard.cut:
            error = CommandTooLong(command=argv[0], limit=self._most)
            error.heard = heard.out[:4096]
            raise error
        result = Result(tuple(argv), heard.code, heard.out, heard.err)
        return result.well(argv[0]) if check else result

    def read(self, path: str) -> bytes:
        """See `Host.read`. What is no plain file (a pipe, a device) or longer than `most` is an `OSError`."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        data = bytearray()
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a plain file", path)
            # Piece by piece: for one large read of /proc/sys the kernel wants that much memory.
            while piece := os.read(descriptor, 65536):
                data += piece
                if len(data) > self._most:
                    raise OSError(errno.EFBIG, f"more than {self._most} bytes", path)
        finally:
            os.close(descriptor)
        return bytes(data)


@dataclass(frozen=True)
class Heard:
    """What was heard of a program until it ended, said too much (`cut`) or ran out of time (`late`)."""

    code: int
    out: bytes
    err: bytes
    cut: bool = False
    late: bool = False


def hear(
    argv: Sequence[str],
    *,
    timeout: float,
    most: int,
    env: Mapping[str, str] | None = None,
) -> Heard:
    """Run `argv` without input, for at most `timeout` seconds and `most` bytes; what came before counts.

    It has a session of its own, which is killed as a whole when a limit is met, and when it ends.
    """
    merged = {**os.environ, **env} if env else None
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=merged,
        )
    except FileNotFoundError as error:
        raise CommandMissing(command=argv[0]) from error
    parts: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
    with process:
        deadline = monotonic() + timeout
        try:
            cut, late = _drain(process, parts, deadline, most)
            if not (cut or late):
                late = _overdue(process, deadline)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    return Heard(code, bytes(parts["out"]), bytes(parts["err"]), cut, late)


def _drain(
    process: "subprocess.Popen[bytes]", parts: Mapping[str, bytearray], deadline: float, most: int
) -> tuple[bool, bool]:
    """Read both outputs to their ends; return whether there was too much, whether time ran out."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ, parts["out"])  # type: ignore[arg-type]
        waiting.register(process.stderr, selectors.EVENT_READ, parts["err"])  # type: ignore[arg-type]
        while waiting.get_map():
            left = deadline - monotonic()
            ready = waiting.select(left) if left > 0 else []
            if not ready:
                return False, True
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                key.data.extend(data)
                if not data:
                    waiting.unregister(key.fileobj)
            if sum(map(len, parts.values())) > most:
                return True, False
    return False, False


def _overdue(process: "subprocess.Popen[bytes]", deadline: float) -> bool:
    try:
        process.wait(max(0.1, deadline - monotonic()))
    except subprocess.TimeoutExpired:
        return True
    return False


@dataclass(frozen=True)
class Started:
    """A long-running program that this process started, known by its process id."""

    argv: tuple[str, ...]
    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def alive(self) -> bool:
        """Whether it still runs (reaps it when not)."""
        return self.process.poll() is None

    def end(self, *, patience: float = 10.0) -> int:
        """Ask it to end, kill it after `patience` seconds; return its exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


def start(
    argv: Sequence[str],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Started:
    """Start a program in a session of its own, without standard input; output goes to `log`."""
    with _output(log) as output:
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **env} if env else None,
                pass_fds=tuple(pass_fds),
            )
        except FileNotFoundError as error:
            raise CommandMissing(command=argv[0]) from error
    return Started(tuple(argv), process)


@contextlib.contextmanager
def _output(log: Path | None) -> Iterator[IO[bytes] | int]:
    if log is None:
        yield subprocess.DEVNULL
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        yield file


def installed(program: str) -> bool:
    """Whether `program` is on this machine's PATH."""
    return shutil.which(program) is not None
