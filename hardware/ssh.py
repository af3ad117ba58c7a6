"""A node over SSH: the only user of paramiko. The node's key must be known beforehand."""

import base64
import errno
import shlex
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import paramiko

from appliance import chance
from appliance.errors import Text, Unavailable
from appliance.host import CommandMissing, CommandTimeout, Result

_BANNER = 10.0  # seconds for a node to say its SSH banner; a busy one takes its time
_KEEPALIVE = 10  # seconds between two signs of life on a silent line


@dataclass(frozen=True)
class Place:
    """Where a node is and how to prove who is who: `key` is ours, the node's is known beforehand.

    It stands in the file `known_hosts`, or it is `host_key` itself ("ssh-ed25519 AAAA…").
    """

    address: str
    user: str
    key: Path
    known_hosts: Path | None = None
    port: int = 22
    host_key: str = ""


class NodeUnreachable(Unavailable):
    """The node does not answer, has another key than the known one, or refuses ours."""

    code = "node.unreachable"
    text = Text("无法连接节点 {name}：{why}", "Cannot reach node {name}: {why}")
    hint = Text(
        "请检查网络与节点电源；若主机密钥改变，请先查明原因。",
        "Check network and power; if its key has changed, find out why before trusting it.",
    )


class LineEnded(NodeUnreachable):
    """The connection had ended before anything was said over it: another one may be tried."""


class SshHost:
    """A `Host` over one SSH connection; use it as a context manager."""

    def __init__(self, name: str, place: Place, *, patience: float = 10.0) -> None:
        """Connect; `patience` in seconds. Raises `NodeUnreachable`."""
        self.name = name
        self._client = paramiko.SSHClient()
        self._client.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            _know(self._client, place)
            self._client.connect(
                place.address,
                port=place.port,
                username=place.user,
                key_filename=str(place.key),
                allow_agent=False,
                look_for_keys=False,
                timeout=patience,
                banner_timeout=patience,
                auth_timeout=patience,
            )
        except (EOFError, OSError, paramiko.SSHException, ValueError) as error:
            self._client.close()
            raise NodeUnreachable(name=name, why=f"{type(error).__name__}: {error}") from error
        self._notice_a_dead_peer()

    def _notice_a_dead_peer(self) -> None:
        """Have the kernel end a line whose peer lost its power, which else stands for a quarter of an hour."""
        transport = self._client.get_transport()
        if transport is not None and isinstance(transport.sock, socket.socket):
            transport.set_keepalive(_KEEPALIVE)
            limit = _KEEPALIVE * 3 * 1000
            transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit)

    def alive(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        transport = self._client.get_transport()
        return transport is not None and transport.is_active()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60.0,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """See `Host.run`. The node's shell sees every word quoted."""
        result = self._run(list(argv), stdin, timeout, dict(env or {}))
        if result.code == 127:
            raise CommandMissing(command=argv[0])
        return result.well(argv[0]) if check else result

    def _run(self, argv: list[str], stdin: bytes, timeout: float, env: dict[str, str]) -> Result:
        words = ["env", *(f"{key}={value}" for key, value in env.items()), *argv] if env else argv
        try:
            channel = self._open(timeout)
            channel.settimeout(timeout)
            channel.exec_command(_line(words, told=bool(stdin)))
            out, err = _Reader(channel.makefile("rb")), _Reader(channel.makefile_stderr("rb"))
            if stdin:
                channel.sendall(stdin)
                channel.shutdown_write()
            ended = channel.status_event.wait(timeout) and out.wait(timeout) and err.wait(timeout)
        except TimeoutError as error:
            raise CommandTimeout(command=argv[0], limit=timeout) from error
        except (EOFError, OSError, paramiko.SSHException) as error:
            raise NodeUnreachable(name=self.name, why=f"{type(error).__name__}: {error}") from error
        try:
            if not ended:
                raise CommandTimeout(command=argv[0], limit=timeout)
            code = channel.recv_exit_status()
            if code < 0 and not self.alive():
                raise NodeUnreachable(name=self.name, why="连接中断 the line broke")
            return Result(tuple(argv), code, out.data, err.data)
        finally:
            channel.close()

    def _open(self, timeout: float) -> paramiko.Channel:
        transport = self._client.get_transport()
        if transport is None or not transport.is_active():
            raise LineEnded(name=self.name, why="the connection has ended")
        try:
            return transport.open_session(timeout=timeout)
        except (EOFError, OSError, paramiko.SSHException) as error:
            # paramiko raises whatever ended its reader, a bare EOFError too.
            raise LineEnded(name=self.name, why=f"{type(error).__name__}: {error}") from error

    def stream(
        self, argv: Sequence[str], *, last: Callable[[], None] = lambda: None
    ) -> "SshStream":
        """Start a program and speak with it over its standard input and output; it ends with the line.

        `last` is called when the line is closed.
        """
        try:
            channel = self._open(10.0)
            channel.exec_command(shlex.join(argv))
        except (EOFError, OSError, paramiko.SSHException) as error:
            raise NodeUnreachable(name=self.name, why=f"{type(error).__name__}: {error}") from error
        return SshStream(channel, last)

    def read(self, path: str) -> bytes:
        """See `Host.read`. Files of /proc, whose size is 0, are read to their end too."""
        done = self.run(["cat", "--", path], check=False)
        if done.code == 0:
            return done.out
        why = done.err.decode("utf-8", "replace").strip()
        if "No such file" in why:
            raise FileNotFoundError(errno.ENOENT, why, path)
        if "Permission denied" in why:
            raise PermissionError(errno.EACCES, why, path)
        raise OSError(errno.EIO, why, path)

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """See `Host.write`."""
        folder, _, name = path.rpartition("/")
        new = f"{folder}/.{name}.{chance.token(6)}.new"
        words = (_WRITE, "write", new, path, folder or "/", f"{mode:04o}")
        self.run(["sh", "-c", *words], stdin=data)


def _line(words: Sequence[str], *, told: bool) -> str:
    """Return what the node's shell is given, so that the program never ends before its input has.

    The node ends the whole line, with all that others have in hand on it, when it is sent data or the
    end of input for a channel that it has closed; paramiko does that when a program ends at once.
    """
    if told:
        return f"{shlex.join(words)}; code=$?; cat >/dev/null; exit $code"
    return f"exec {shlex.join(words)} </dev/null"


def _know(client: paramiko.SSHClient, place: Place) -> None:
    """Tell the client the one key that it accepts; raises `OSError` or `ValueError`."""
    if place.known_hosts is not None:
        client.load_host_keys(str(place.known_hosts))
    if place.host_key:
        kind, _, rest = place.host_key.partition(" ")
        blob = base64.b64decode(rest.split(" ")[0], validate=True)
        shown = place.address if place.port == 22 else f"[{place.address}]:{place.port}"
        client.get_host_keys().add(shown, kind, paramiko.PKey.from_type_string(kind, blob))


class SshStream:
    """A program on a node, as one line in both directions."""

    def __init__(self, channel: paramiko.Channel, last: Callable[[], None]) -> None:
        self._channel = channel
        self._last = last
        channel.settimeout(None)

    def read(self, limit: int = 65536) -> bytes:
        """Return what it said, waiting for it; empty when it has ended."""
        try:
            return self._channel.recv(limit)
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        """Tell it `data`; raises `OSError` when it has ended."""
        self._channel.sendall(data)

    def close(self) -> None:
        """End the line; the program sees the end of its input."""
        self._channel.close()
        self._last()


# $1 new file, $2 target, $3 folder, $4 mode: on disk under a name of its own, then renamed, then synced.
_WRITE = """set -e; mkdir -p -- "$3"; umask 077; trap 'rm -f -- "$1"' EXIT
cat > "$1"; chmod -- "$4" "$1"; sync -- "$1"; mv -T -- "$1" "$2"; sync -- "$3" """


class _Reader:
    """Drains one stream beside the other, so that neither fills its window and stops the program."""

    def __init__(self, file: "paramiko.ChannelFile") -> None:
        self.data = b""
        self._file = file
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        try:
            self.data = self._file.read()
        except OSError:
            return  # the channel was closed on us: the command ran out of time

    def wait(self, timeout: float) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()


def answers(address: str, port: int = 22) -> str:
    """Return "" when the node says its SSH banner in time, else why not."""
    try:
        with socket.create_connection((address, port), timeout=_BANNER) as link:
            link.settimeout(_BANNER)
            return "" if link.recv(4).startswith(b"SSH") else "SSH 服务无应答 no SSH banner"
    except OSError as error:
        return f"{type(error).__name__}: {error}"
