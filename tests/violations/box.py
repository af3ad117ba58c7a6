"""The node as the suite sees it: inspected as the product does, its paths kept and brought back."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.host import Host
from compliance import sandbox
from tests.violations.violation import RECORDS, Violation

KEEPER = Path(__file__).with_name("keeper.py").read_text("utf-8")
FOLDER = "/run/hbox-violations"

# What the controller does by itself in its first minutes: a run before that sees them missing.
_SETTLED = f"""
for i in $(seq 300); do
    curl -sko /dev/null https://127.0.0.1:8443/ && [ -s /var/lib/hbox/audit/journal-heads.jsonl ] &&
    sqlite3 -cmd '.timeout 5000' {RECORDS} "SELECT 'seen' FROM nodes, gateway_minutes WHERE facts_at <> '' LIMIT 1" | grep -q seen &&
    ls /var/log/suricata/eve*.json >/dev/null 2>&1 && [ -s /var/log/aide/aide.log ] && exit 0
    sleep 0.5
done
exit 1
"""

# The detector tells of a flow when it has ended: on a busy machine a run right after the proof comes before that.
_WATCHED = """
for i in $(seq 240); do
    find /var/log/suricata -name 'eve*.json' -size +0 | grep -q . && exit 0
    sleep 0.5
done
exit 1
"""


def inspect(node: Host) -> dict[str, Any]:
    """Return the unsigned report of one run of the inspector in its sandbox."""
    node.run(sandbox.argv("示范医院"), timeout=320)
    report: dict[str, Any] = json.loads(node.read(str(sandbox.OUT)))
    return report


def keep(node: Host, violation: Violation) -> None:
    """Keep everything that the violation touches."""
    _keeper(node, "keep", violation.touched)


def restore(node: Host, violation: Violation) -> None:
    """Bring the touched paths back, then take back what is no file."""
    _keeper(node, "restore", violation.touched)
    if violation.undo:
        shell(node, violation.undo)


def tell(node: Host, violation: Violation) -> dict[str, str]:
    """Return what the box holds, by place: every touched path, all of /etc, the watched commands' output."""
    lines = _keeper(node, "tell", (*violation.touched, "/etc")).splitlines()
    told = dict(line.split(" ", 1) for line in lines)
    for one in violation.watched:
        told[one] = hashlib.sha256(shell(node, one).encode()).hexdigest()
    return told


def shell(node: Host, script: str) -> str:
    """Run a script as root; raises `CommandFailed` when a line of it fails."""
    return node.run(["sh", "-euc", script], timeout=200).text


def _keeper(node: Host, what: str, paths: Sequence[str]) -> str:
    return node.run(["python3", "-c", KEEPER, what, FOLDER, *paths], timeout=60).text


def make_conforming(node: Host) -> None:
    """Give a fresh lab node a time source, a template and a channel: what it lacks to conform."""
    source = Path(__file__).with_name("conforming.py").read_text("utf-8")
    node.run([sandbox.PYTHON, "-I", "-c", source], timeout=120)
    node.run(["systemctl", "start", "hbox-web"], timeout=120)
    shell(node, _SETTLED)
    # Each mending would have the file database learn a state that is taken back before it has read it all.
    shell(node, "systemctl mask --runtime --now hbox-files-renew.service")
    node.run(["runuser", "-u", "hbox-sec", "--", "hbox", "gateway", "prove"], timeout=200)
    shell(node, _WATCHED)
