"""Mends on the node: by the box's own job, or by the tasks of its roles that carry a remedy's tag alone."""

import json
from collections.abc import Callable

from appliance.host import Host
from compliance import sandbox

# As the product runs them: the same program, playbook and facts, one tag only. Nothing of root's home is touched.
_PROGRAM = """
import subprocess, sys, playbooks
argv = playbooks.argv("/usr/lib/hbox/venv/bin/ansible-playbook")
ended = subprocess.run([*argv, "--tags", sys.argv[1]], capture_output=True, text=True)
sys.stdout.write(ended.stdout)
sys.stderr.write(ended.stderr)
sys.exit(ended.returncode)
"""
_PLACE = "/run/hbox-violations/ansible"


def by_playbook(node: Host, tag: str) -> None:
    """Run the tasks with that tag; raises `CommandFailed` when one of them fails."""
    places = {f"ANSIBLE_{name}": _PLACE for name in ("HOME", "LOCAL_TEMP", "REMOTE_TEMP")}
    told = [f"{name}={value}" for name, value in places.items()]
    node.run(["env", *told, sandbox.PYTHON, "-I", "-c", _PROGRAM, tag], timeout=300)


def by_product(node: Host, remedy: str) -> Callable[[], None]:
    """Mend as the security administrator does at the node's shell; return how that is taken back."""
    job = _asked(node, "mend", remedy)
    return lambda: _undo(node, job)


def _undo(node: Host, job: str) -> None:
    _asked(node, "undo", job)


def _asked(node: Host, verb: str, what: str) -> str:
    who = ["runuser", "-u", "hbox-sec", "--"]
    ended = node.run([*who, "hbox", "compliance", verb, what, "--format", "json"], timeout=400)
    return str(json.loads(ended.out)["id"])
