"""The node's side of a mending: it keeps what was there, reverts by its own timer, says what differs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance import clock
from appliance.errors import Failed, Text
from appliance.host import CommandMissing, Host, LocalHost, Result
from compliance.before import KERNEL, without_data
from compliance.restore import ARMED, BEFORE, FIRED, PLACE
from compliance.sandbox import PYTHON
from controller.workers.mending_text import named
from controller.workers.nodes_play import OUTSIDE

GUARD = "/etc/**"  # kept and compared beside the surface: nothing else may change
RENEWAL = "hbox-files-renew.service"
_MISSING = 127  # how nsenter says that there is no such program
_PATIENCE = 120.0  # seconds for one answer of the node


class RevertFired(Failed):
    """Time was up: the node put back what was there by itself."""

    code = "compliance.revert_fired"
    text = Text(
        "未在时限内确认，节点 {node} 已自动恢复原状",
        "Not confirmed in time: {node} has put back what was there by itself",
    )
    hint = Text(
        "请查看任务日志中的核验结果；确认措施无误后可加长时限（--seconds）再试。",
        "See the job's log for the proofs; when the remedy is right, try again with more --seconds.",
    )


class NotPutBack(Failed):
    """The node could not bring everything back."""

    code = "compliance.not_put_back"
    text = Text("节点 {node} 未能完全恢复：{what}", "{node} could not put all of it back: {what}")


class Outside(LocalHost):
    """This machine outside the worker's own sandbox, which hides /root, /home and /tmp."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60.0,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """See `Host.run`."""
        words = [*OUTSIDE, *argv]
        result = super().run(words, stdin=stdin, timeout=timeout, check=False, env=env)
        if result.code == _MISSING:
            raise CommandMissing(command=argv[0])
        return result.well(argv[0]) if check else result


def outside(host: Host) -> Host:
    """Return the host as its people see it: of this very machine, without the worker's sandbox."""
    return Outside() if type(host) is LocalHost else host


@dataclass(frozen=True)
class AtNode:
    """One job's folder on one node."""

    host: Host
    node: str
    job: str

    @property
    def folder(self) -> str:
        """Where the node keeps what was there, root only."""
        return f"{PLACE}/{self.job}"

    @property
    def unit(self) -> str:
        """Name of the timer's units."""
        return f"hbox-mending-{self.job}"

    def keep(
        self, patterns: Sequence[str], units: Sequence[str], known: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Have the node keep the patterns, `known` paths and all of /etc; return all but /etc, with bytes."""
        asked = {
            "patterns": list(patterns),
            "known": list(known),
            "guard": [GUARD],
            "units": list(units),
        }
        return dict(self._tool("--keep", stdin=json.dumps(asked).encode()))

    def differences(self) -> dict[str, str]:
        """Return what differs now from what is kept: path -> changed, new or gone."""
        return dict(self._tool("--compare"))

    def digests(self) -> dict[str, Any]:
        """Return what is there now, without bytes, of all that is kept."""
        return dict(self._tool("--digests"))

    def put_back(self, held: dict[str, Any]) -> list[str]:
        """Put back what the node keeps, or else `held`; return what had changed. Raises `NotPutBack`."""
        self.hand_over(held)
        told = self._tool()
        left = [*told["left"], *told["units"]]
        if left:
            raise NotPutBack(node=self.node, what=named(left, 10))
        return list(told["moved"])

    def hand_over(self, held: dict[str, Any], *, anyway: bool = False) -> None:
        """Give the node what it is to put back, unless it still has it."""
        if anyway or not self._there(BEFORE):
            self.host.run(["install", "-d", "-m", "0700", PLACE, self.folder])
            self.host.write(f"{self.folder}/{BEFORE}", json.dumps(held).encode(), mode=0o600)

    def learn(self) -> None:
        """Have the node's file database (AIDE) take over how the files are now: it was meant.

        A renewal that still runs begins anew, or it would keep what it saw of the files before.
        """
        argv = ["systemctl", "restart", "--no-block", RENEWAL]
        self.host.run(
            argv, check=False
        )  # else the next daily look tells of it, and a person renews it

    def arm(self, seconds: int) -> None:
        """Have the node put everything back by itself after so many seconds, or at its next start."""
        if self._there(FIRED):
            raise RevertFired(node=self.node)
        if self._active(f"{self.unit}.timer"):
            return
        self.host.write(f"{self.folder}/{ARMED}", b"", mode=0o600)
        self.host.run(
            [
                "systemd-run", f"--unit={self.unit}", f"--on-active={seconds}s",
                "--timer-property=AccuracySec=1s", "--collect", "--quiet",
                *self._argv(),
            ]
        )  # fmt: skip

    def armed(self) -> None:
        """Raise `RevertFired` unless the timer still runs."""
        if self._there(FIRED) or not self._active(f"{self.unit}.timer"):
            raise RevertFired(node=self.node)

    def disarm(self) -> None:
        """Stop the timer; it may be stopped already. Raises `RevertFired` when it was too late."""
        self.stop()
        if self._there(FIRED):
            raise RevertFired(node=self.node)
        self.host.run(["rm", "-f", f"{self.folder}/{ARMED}"])

    def stop(self) -> None:
        """Stop the timer, and let a restoring that has begun come to its end."""
        self.host.run(["systemctl", "stop", f"{self.unit}.timer"], check=False)
        deadline = clock.monotonic() + _PATIENCE
        while self._active(f"{self.unit}.service") and clock.monotonic() < deadline:
            clock.pause(0.5)

    def forget(self) -> None:
        """Nothing of the job is left on the node."""
        self.host.run(["rm", "-rf", self.folder])

    def _there(self, name: str) -> bool:
        return self.host.run(["test", "-e", f"{self.folder}/{name}"], check=False).code == 0

    def _active(self, unit: str) -> bool:
        told = self.host.run(["systemctl", "is-active", unit], check=False).text.strip()
        return told in ("active", "activating", "reloading")

    def _argv(self, *words: str) -> list[str]:
        return [PYTHON, "-I", "-m", "compliance.restore", self.folder, *words]

    def _tool(self, *words: str, stdin: bytes = b"") -> Any:
        return json.loads(self.host.run(self._argv(*words), stdin=stdin, timeout=_PATIENCE).out)


def of_files(changed: Iterable[str]) -> bool:
    """Whether any of these changes is one of files, not of what the kernel holds. Pure."""
    return any(not path.startswith(("kernel:", KERNEL)) for path in changed)


def digests_of(held: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept without bytes. Pure."""
    return without_data(held["entries"])
