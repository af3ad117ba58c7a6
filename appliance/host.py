"""Access to a machine: run a program, read and write files. The only user of `subprocess`."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

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


class CommandFailed(Failed):
    """A program ended with a code other than 0."""

    code = "host.command_failed"
    text = Text("命令 {command} 以 {exit} 结束：{why}", "{command} ended with {exit}: {why}")


class CommandTimeout(Unavailable):
    """A program did not end within its time limit (`limit`, seconds)."""

    code = "host.command_timeout"
    text = Text("命令 {command} 在 {limit} 秒内未结束", "{command} did not end within {limit} s")


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
        if check and result.code != 0:
            tail = (result.err or result.out).decode("utf-8", "replace").strip()[-2000:]
            raise CommandFailed(command=argv[0], exit=result.code, why=tail)
        return result

    def read(self, path: str) -> bytes:
        """See `Host.read`."""
        return Path(path).read_bytes()

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """See `Host.write`."""
        write_atomically(Path(path), data, mode=mode)


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
