"""A node whose /etc lies in a folder: it keeps and restores for real; roles, timers and log-ins are told here."""

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from appliance.host import LocalHost, Result
from compliance.login_probe import REFUSES
from controller.workers.mending_node import RENEWAL
from controller.workers.nodes_play import Play, Recap
from controller.workers.site import Site
from tests.crash.world import HOME, Machine, World

STACK = "/etc/pam.d/common-auth"
LIMITS = "/etc/security/faillock.conf"
TIMEOUT = "/etc/profile.d/hbox-timeout.sh"
MET = {
    "faillock": {
        STACK: "auth requisite pam_faillock.so preauth\nauth sufficient pam_unix.so\n"
        "auth [default=die] pam_faillock.so authfail\n",
        LIMITS: "deny = 5\nunlock_time = 900\n",
    },
    "shell_timeout": {TIMEOUT: "TMOUT=600\n"},
}
BROKEN = {STACK: "auth required pam_unix.so\n", LIMITS: "deny = 50\nunlock_time = 1\n"}
_REAL = {"test", "rm", "install", "grep"}


class Mendable(Machine):
    """The node as the worker sees it."""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root, name)
        self.root = root

    def run(self, argv, **given) -> Result:
        words = [self._mapped(word) for word in argv]
        here = LocalHost()
        if argv[3:4] == ["compliance.restore"]:
            tool = [sys.executable, "-m", "compliance.restore"]
            return here.run([*tool, *words[4:], "--root", str(self.root)], **given)
        if "compliance.login_probe" in argv:
            return Result(tuple(argv), 0, json.dumps(self._ways()).encode(), b"")
        if argv[0] == "systemd-run":
            self._timer(argv[1].partition("=")[2] + ".timer").touch()
        elif argv[0] == "systemctl":
            return self._systemctl(list(argv))
        elif argv[0] in _REAL:
            return here.run(words, **given)
        return Result(tuple(argv), 0, b"", b"")

    def fire(self) -> None:
        """Time is up: do what the timer's service does."""
        for timer in (self.root / "timers").glob("*.timer"):
            job = timer.stem.removeprefix("hbox-mending-")
            timer.unlink()
            self.run(["python", "-I", "-m", "compliance.restore", f"/var/lib/hbox/mending/{job}"])

    def put(self, files: dict[str, str]) -> None:
        """Lay files out, by path."""
        for path, text in files.items():
            self.write(path, text.encode())

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Everything on the node: bytes and mode by path, what the box keeps of it too."""
        return {
            str(p.relative_to(self.root)): (p.read_bytes(), p.stat().st_mode)
            for p in sorted(self.root.rglob("*"))
            if p.is_file()
        }

    @property
    def renewals(self) -> Path:
        """What was asked of the file database, a line each."""
        return self.root.parent.parent / "renewals"

    def _ways(self) -> dict[str, str]:
        stack = self._place(STACK)
        text = stack.read_bytes() if stack.exists() else b""
        broken, wide = b"pam_deny" in text, b"pam_permit" in text
        return {
            "pam login": "7 Authentication failure" if broken else "",
            f"pam login{REFUSES}": "a wrong password was let in" if wide else "",
        }

    def _timer(self, unit: str) -> Path:
        (self.root / "timers").mkdir(exist_ok=True)
        return self.root / "timers" / unit

    def _systemctl(self, argv: list[str]) -> Result:
        if argv[-1] == RENEWAL:
            with self.renewals.open("a") as file:
                file.write(f"{argv[1]}\n")
        there = argv[-1].endswith(".timer") and self._timer(argv[-1]).exists()
        if argv[1] == "stop" and there:
            self._timer(argv[-1]).unlink()
        told = b"active\n" if there else b"inactive\n"
        return Result(tuple(argv), 0, told * len(argv[2:]), b"")

    def _mapped(self, word: str) -> str:
        return f"{self.root}{word}" if word.startswith("/") else word


@dataclass
class Roles:
    """Ansible's place: writes what each tag stands for. `also` is written beside it, `breaks` half-way."""

    root: Path
    met: dict[str, dict[str, str]] = field(default_factory=lambda: MET)
    also: dict[str, str] = field(default_factory=dict)
    breaks: Exception | None = None
    meanwhile: list = field(default_factory=list)

    def __call__(self, site: Site, say, nodes, what: Play) -> dict[str, Recap]:
        del site
        node = Mendable(self.root, nodes[0].name)
        changed = 0
        for tag in what.tags:
            for path, text in self.met[tag].items():
                say(f"--- before: {path}")
                say(f"+++ after: {path}")
                say(f"+{text.splitlines()[0]}")
                changed += 1
                if not what.check:
                    node.put({path: text})
        if not what.check:
            node.put(self.also)
            for deed in self.meanwhile:
                deed(node)
            if self.breaks:
                raise self.breaks
        return {one.name: Recap(changed + 1, changed, 0, 0) for one in nodes}


def mendable(site: Site) -> Site:
    """Put such a node, and such roles, in the place of the home node's."""
    folder = site.settings.state / "roots" / HOME
    folder.mkdir(parents=True, exist_ok=True)
    node = Mendable(folder, HOME)
    drivers = {**site.nodes.drivers, HOME: replace(site.nodes.drivers[HOME], host=node)}
    site.nodes.drivers = drivers
    return replace(site, roles=Roles(folder))


def node_of(world: World) -> Mendable:
    """Return the node of a world made by `mendable`."""
    return world.site.node(HOME).host
