"""One known way to break a conforming box: how, what must see it, what mends it, how it is taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

RECORDS = "/var/lib/hbox/db/hbox.sqlite"


@dataclass(frozen=True)
class Violation:
    """One breach, made by a shell script as root on the node.

    `check` must fall and `item` with it, and its reason must match `says` (a regular expression, in English).
    `also` names the other checks that see the same fact, and why; nothing else may move.
    `touched` are paths brought back byte for byte from before; `undo` takes back what is no file.
    `watched` are commands whose output must be as before once it is undone (rules, rows, states).
    `remedy` is the tag that mends it; "" is none, for the reason `why`.
    `already`: why, on a lab node, the check has something to say before anything is broken.
    `settle`: seconds to be waited. What only a kernel of the node's own shows is in tests/vm/kernel_talk.py.
    """

    id: str
    breach: str
    check: str
    item: str
    says: str
    touched: tuple[str, ...] = ()
    undo: str = ""
    watched: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)
    remedy: str = ""
    why: str = ""
    already: str = ""
    settle: float = 0.0

    def __post_init__(self) -> None:
        if bool(self.remedy) == bool(self.why):
            raise ValueError(f"{self.id}: either a remedy, or why there is none")
        if not (self.touched or self.undo):
            raise ValueError(f"{self.id}: nothing says how it is taken back")


def sql(statement: str) -> str:
    """Return the shell command that changes the records behind the controller's back."""
    return f"sqlite3 -cmd '.timeout 5000' {RECORDS} <<'END'\n{statement}\nEND"


def listener(port: int, kind: str = "STREAM") -> str:
    """Return the shell command that opens a port to everybody, as the unit `violated`."""
    listen = "s.listen(); " if kind == "STREAM" else ""
    program = (
        f"import socket, time; s = socket.socket(type=socket.SOCK_{kind}); "
        f's.bind((\\"0.0.0.0\\", {port})); {listen}time.sleep(900)'
    )
    wait = f"for i in $(seq 50); do ss -Htuln sport = :{port} | grep -q . && break; sleep 0.1; done"
    return f'systemd-run --quiet --collect --unit=violated python3 -c "{program}"\n{wait}'


SILENCE = "systemctl stop violated"
