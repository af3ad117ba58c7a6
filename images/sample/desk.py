"""The administrators' desk of the sample hospital: each acts through `hbox` on the node as themselves."""

import json
from dataclasses import dataclass
from typing import Any

from appliance.clock import monotonic, pause
from appliance.host import CommandFailed, Host, Result

SYSTEM, SECURITY, AUDIT = "hbox-sys", "hbox-sec", "hbox-aud"


@dataclass(frozen=True)
class Desk:
    """Runs the box's own command line on `node`; nothing reaches the box any other way."""

    node: Host

    def wait(self, patience: float = 120.0) -> None:
        """Wait until the box answers, `patience` seconds at most: an active unit may still be starting."""
        deadline = monotonic() + patience
        while True:
            try:
                self._run(SYSTEM, "status", timeout=30)
            except CommandFailed:
                if monotonic() > deadline:
                    raise
                pause(0.5)
            else:
                return

    def settle(self) -> None:
        """Wait for jobs that an interrupted run left behind, however they end."""
        for job in self.ask(SYSTEM, "job", "list"):
            if job["state"] in ("waiting", "running", "undoing"):
                self._run(SYSTEM, "job", "wait", job["id"], timeout=900, check=False)

    def ask(self, user: str, *words: str) -> Any:
        """Return what a reading command says, as parsed JSON."""
        return json.loads(self._run(user, *words, "--format", "json", timeout=120).out)

    def tell(self, user: str, *words: str, timeout: float = 600) -> None:
        """Run a command that starts a job, and wait for its end; `timeout` in seconds."""
        self._run(user, *words, timeout=timeout)

    def give(self, user: str, name: str, data: bytes) -> str:
        """Put a file into `user`'s home on the node; return its path there."""
        path = f"/var/lib/hbox/home/{user}/{name}"
        self.node.write(path, data, mode=0o600)
        self.node.run(["chown", f"{user}:", path])
        return path

    def report(self, form: str) -> bytes:
        """Return the newest compliance report as `html` or `json`."""
        words = ["compliance", "report", "--form", form, "--out", "-"]
        return self._run(SYSTEM, *words, timeout=120).out

    def names(self, *words: str) -> dict[str, dict[str, Any]]:
        """Return the items of a listing by name (or id, where there is no name)."""
        return {item.get("name", item.get("id")): item for item in self.ask(SYSTEM, *words)}

    def _run(self, user: str, *words: str, timeout: float, check: bool = True) -> Result:
        argv = ["runuser", "-u", user, "--", "hbox", *words]
        return self.node.run(argv, timeout=timeout, check=check)
