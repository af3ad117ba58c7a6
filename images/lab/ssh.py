"""A lab node as a `Host`: commands and files over the ssh program, through one shared connection."""

import base64
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.clock import monotonic, pause
from appliance.errors import Text, Unavailable
from appliance.host import CommandFailed, CommandTimeout, Host, LocalHost, Result
from images.lab import processes
from images.lab.names import Names, enter

_ENDED = 255  # ssh's own exit code when there is no connection
_READ = 'p=$(printf %s "$1" | base64 -d); if [ -e "$p" ]; then exec cat -- "$p"; else exit 44; fi'
_WRITE = """p=$(printf %s "$1" | base64 -d); d=$(dirname -- "$p"); mkdir -p -- "$d"
t=$(mktemp -- "$d/.new.XXXXXX"); trap 'rm -f -- "$t"' EXIT
cat >"$t"; chmod "$2" "$t"; sync -- "$t"; mv -f -- "$t" "$p"; trap - EXIT; sync -- "$d" """


class NodeUnreachable(Unavailable):
    """A node does not answer over SSH."""

    code = "lab.unreachable"
    text = Text("节点 {node} 无法连接：{why}", "The node {node} does not answer: {why}")
    hint = Text(
        "请用 hbox lab list 查看节点是否在运行。", "See with `hbox lab list` whether it runs."
    )


class NotReady(Unavailable):
    """A node answers but did not finish starting in time."""

    code = "lab.not_ready"
    text = Text("节点 {node} 启动未完成：{why}", "The node {node} did not finish starting: {why}")


@dataclass(frozen=True)
class LabNode:
    """One node of a lab. Implements `appliance.host.Host`."""

    names: Names
    number: int
    name: str = ""
    local: Host = field(default_factory=LocalHost, compare=False)

    @property
    def address(self) -> str:
        """Its management address."""
        return self.names.address(self.number)

    @property
    def folder(self) -> Path:
        """Its state on this machine."""
        return self.names.node(self.number)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60.0,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """See `Host.run`; 255 means that there is no connection: `NodeUnreachable`."""
        settings = ["env", *(f"{k}={v}" for k, v in env.items())] if env else []
        line = shlex.join([*settings, *argv])
        try:
            done = self.local.run(self.argv(line), stdin=stdin, timeout=timeout, check=False)
        except CommandTimeout as error:
            raise CommandTimeout(command=argv[0], limit=timeout) from error
        if done.code == _ENDED:
            raise NodeUnreachable(node=self.name, why=done.err.decode("utf-8", "replace").strip())
        result = Result(tuple(argv), done.code, done.out, done.err)
        return result.well(argv[0]) if check else result

    def read(self, path: str) -> bytes:
        """See `Host.read`."""
        done = self.run(["sh", "-euc", _READ, "sh", _coded(path)], check=False)
        if done.code == 44:
            raise FileNotFoundError(path)
        if done.code != 0:
            raise CommandFailed(
                command="cat", exit=done.code, why=done.err.decode("utf-8", "replace")
            )
        return done.out

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """See `Host.write`."""
        self.run(["sh", "-euc", _WRITE, "sh", _coded(path), f"{mode:o}"], stdin=data)

    def argv(self, *command: str, interactive: bool = False) -> list[str]:
        """Return the program that runs `command` (a shell line) on the node."""
        talk = ["-t"] if interactive else ["-T"]
        target = f"root@{self.address}"
        inner = ["ssh", *self._options(), *talk, target, *(["--", *command] if command else [])]
        return enter(self.names.namespace("mgmt"), *inner)

    def connect(self) -> None:
        """Open the shared connection that later commands use."""
        options = [*self._options(), "-o", "ControlMaster=yes", "-N"]
        argv = enter(self.names.namespace("mgmt"), "ssh", *options, f"root@{self.address}")
        note, log = self.folder / "ssh.pid", self.folder / "ssh.log"
        processes.spawn(self.local, argv, note, log=log)

    def wait_ready(self, *, patience: float = 300.0, units: Sequence[str] = ()) -> str:
        """Wait until the node has started and `units` are active; return systemd's verdict.

        The verdict is `running` or `degraded`; anything else after `patience` seconds raises.
        """
        deadline = monotonic() + patience
        self._wait_answer(deadline)
        self.connect()
        left = max(1.0, deadline - monotonic())
        done = self.run(["systemctl", "is-system-running", "--wait"], timeout=left, check=False)
        verdict = done.text.strip()
        if verdict not in {"running", "degraded"}:
            raise NotReady(node=self.name, why=verdict or done.err.decode("utf-8", "replace"))
        for unit in units:
            if self.run(["systemctl", "is-active", unit], check=False).code != 0:
                raise NotReady(node=self.name, why=f"{unit} is not active")
        return verdict

    def _wait_answer(self, deadline: float) -> None:
        while True:
            try:
                self.run(["true"], timeout=10)
            except (NodeUnreachable, CommandTimeout):
                if monotonic() > deadline:
                    raise
                pause(0.25)
            else:
                return

    def _options(self) -> list[str]:
        pairs = {
            "BatchMode": "yes",
            "ConnectTimeout": "5",
            "ControlPath": f"{self.folder}/ssh",
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "StrictHostKeyChecking": "accept-new",
            "UserKnownHostsFile": f"{self.folder}/known_hosts",
        }
        options = [part for key, value in pairs.items() for part in ("-o", f"{key}={value}")]
        return ["-F", "none", "-i", f"{self.names.folder}/id_ed25519", *options]


def _coded(path: str) -> str:
    # A path may hold anything but NUL; the remote shell sees only base64.
    return base64.b64encode(path.encode()).decode()
