"""Runs the Ansible roles on nodes, as a process: pinned keys, no secret in an argument, lines into the job's log."""

import contextlib
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playbooks
from appliance import chance, clock
from appliance.errors import Failed, Text
from appliance.files import write_atomically
from appliance.host import CommandTimeout, Started, start
from controller.jobs.steps import Say
from controller.workers.fleet import SSH_KEY, folder, known_hosts
from controller.workers.site import Site

OF_FILE = re.compile(r'\s+"path": "')
"""What a diff of owner or mode says beside the change: of which file."""
_RECAP = re.compile(
    r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)\s+"
    r"unreachable=(?P<unreachable>\d+)\s+failed=(?P<failed>\d+)"
)
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?P<name>.*)\] \**$")
_RESULT = re.compile(
    r"^(?P<state>changed|fatal|failed|unreachable): \[(?P<host>[^\]]+)\]:?(?P<rest>.*)"
)
_TOLD = 1500  # characters kept of what a failed task said
LIMIT = 1800.0  # seconds for one run
# The worker's sandbox hides /root, /home and /tmp: what a role brings to its state may lie there.
OUTSIDE = ("nsenter", "--target", "1", "--mount", "--")


class PlayFailed(Failed):
    """A role did not bring a node to its state."""

    code = "node.play_failed"
    text = Text("配置节点失败：{why}", "Configuring a node failed: {why}")
    hint = Text(
        "任务日志中有出错步骤的输出；排除后可重新运行，已完成的部分不会重复。",
        "The job's log has what the task said; run it again afterwards: what is done stays done.",
    )


@dataclass(frozen=True)
class Recap:
    """How a run ended for one node: numbers of tasks."""

    ok: int
    changed: int
    unreachable: int
    failed: int

    @property
    def well(self) -> bool:
        """Whether every task was done or found done."""
        return not self.unreachable and not self.failed


@dataclass(frozen=True)
class PlayNode:
    """A node as Ansible reaches it. `variables` are its own; `home` is this very machine."""

    name: str
    address: str
    host_key: str
    home: bool
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Play:
    """What to run: a playbook of ours, variables for all nodes, `check` to only say what would change.

    With `tags` only the tasks that carry one of them, and what these notify; it says each change.
    """

    playbook: str = "node.yml"
    variables: Mapping[str, Any] | None = None
    check: bool = False
    tags: tuple[str, ...] = ()


def play(site: Site, say: Say, nodes: Sequence[PlayNode], what: Play) -> dict[str, Recap]:
    """Run a playbook on the nodes; return the recap by name. Raises `PlayFailed`, `CommandTimeout`."""
    place = folder(site.settings) / "plays" / chance.new_id()
    place.mkdir(parents=True, mode=0o700)
    try:
        _lay(site, place, nodes, what)
        return _run(place, say, nodes, what)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def inventory(nodes: Sequence[PlayNode], key: Path, hosts_file: Path) -> dict[str, Any]:
    """Return Ansible's inventory: how each node is reached, and its own variables. Pure."""
    options = {
        "UserKnownHostsFile": str(hosts_file),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3",
    }
    common = " ".join(["-F none", *(f"-o {name}={value}" for name, value in options.items())])
    far = {
        "ansible_connection": "ssh",
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(key),
        "ansible_ssh_common_args": common,
    }
    near = {"ansible_connection": "local", "ansible_remote_tmp": "/var/tmp"}  # noqa: S108 - ours, 0700
    hosts = {
        node.name: {
            **({**near} if node.home else {**far, "ansible_host": node.address}),
            **node.variables,
        }
        for node in nodes
    }
    shared = {"ansible_python_interpreter": "/usr/bin/python3", "hbox_building": False}
    return {"all": {"hosts": hosts, "vars": shared}}


def environment(place: Path) -> dict[str, str]:
    """Return the environment of ansible-playbook: nothing of the caller's home is read or written."""
    return {
        "HOME": str(place),
        "ANSIBLE_HOME": str(place),
        "ANSIBLE_CONFIG": str(place / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(place / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(place.parent / "cp"),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ANSIBLE_FORKS": "8",
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "False",
        "PYTHONUNBUFFERED": "1",
        "LC_ALL": "C.UTF-8",
    }


def recaps(lines: Sequence[str]) -> dict[str, Recap]:
    """Return the recap by host from ansible-playbook's output. Pure."""
    found = (_RECAP.match(line) for line in lines)
    names = ("ok", "changed", "unreachable", "failed")
    return {m["host"]: Recap(*(int(m[name]) for name in names)) for m in found if m is not None}


def worth_telling(line: str, *, check: bool) -> str:
    """Return what a line of Ansible's output says to a person, "" for noise. Pure."""
    task = _TASK.match(line)
    if task:
        return f"· {task['name']}"
    result = _RESULT.match(line)
    if result:
        rest = result["rest"].strip()[:_TOLD] if result["state"] != "changed" else ""
        return f"  {result['state']}: {result['host']} {rest}".rstrip()
    shown = line.startswith(("+", "-", "@@")) or OF_FILE.match(line)
    return line[:_TOLD] if check and shown else ""


def _lay(site: Site, place: Path, nodes: Sequence[PlayNode], what: Play) -> None:
    (place.parent / "cp").mkdir(mode=0o700, exist_ok=True)
    hosts_file = place / "known_hosts"
    keys = {node.address: node.host_key for node in nodes if not node.home}
    listed = inventory(nodes, site.settings.keys / SSH_KEY, hosts_file)
    for path, text in (
        (place / "ansible.cfg", "[defaults]\n"),
        (hosts_file, known_hosts(keys)),
        (place / "inventory.json", json.dumps(listed)),
        (place / "variables.json", json.dumps(dict(what.variables or {}))),
    ):
        write_atomically(path, text.encode(), mode=0o600)


def _outside() -> tuple[str, ...]:
    """Return what brings a program out of the worker's sandbox; nothing where there is none to leave."""
    try:
        own, first = (Path(f"/proc/{who}/ns/mnt").readlink() for who in ("self", "1"))
    except PermissionError:
        return ()  # without the right to look there is none to enter either
    return () if own == first else OUTSIDE


def _run(place: Path, say: Say, nodes: Sequence[PlayNode], what: Play) -> dict[str, Recap]:
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    argv = [program, "-i", str(place / "inventory.json"), "-e", f"@{place / 'variables.json'}"]
    argv += [*(["--check"] if what.check else []), *(["--diff"] if what.check or what.tags else [])]
    argv += ["--tags", ",".join(what.tags)] if what.tags else []
    argv.append(str(playbooks.ROOT / what.playbook))
    if any(node.home for node in nodes):
        argv = [*_outside(), *argv]
    running = start(argv, log=place / "log", env=environment(place))
    lines: list[str] = []
    for line in _lines(running, place / "log"):
        lines.append(line)
        told = worth_telling(line, check=what.check or bool(what.tags))
        if told:
            say(told)
    found = recaps(lines)
    bad = [name for name, recap in found.items() if not recap.well]
    missing = [node.name for node in nodes if node.name not in found]
    if running.end() != 0 or bad or missing:
        said = [line for line in lines if line.startswith(("fatal", "failed", "ERROR", "[ERROR]"))]
        why = (said or [line for line in lines if line.strip()] or ["?"])[-1][:_TOLD]
        raise PlayFailed(what="ansible", why=f"{', '.join(bad or missing)}: {why}")
    for name, recap in found.items():
        say(f"{name}: ok={recap.ok} changed={recap.changed}")
    return found


def _lines(running: Started, log: Path) -> Iterator[str]:
    """Give the lines of the log as they come, to the end of the program; raises `CommandTimeout`."""
    deadline = clock.monotonic() + LIMIT
    rest = ""
    with log.open("r", encoding="utf-8", errors="replace") as file, contextlib.ExitStack() as last:
        last.callback(running.end)
        while True:
            over = not running.alive()
            *whole, rest = (rest + file.read()).split("\n")
            yield from whole
            if over:
                break
            if clock.monotonic() > deadline:
                raise CommandTimeout(command="ansible-playbook", limit=LIMIT)
            clock.pause(0.2)
    if rest:
        yield rest
