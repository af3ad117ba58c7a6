"""Asks the box's other nodes over SSH, with the account that can only answer; believes nothing it is told unread.

A node that is away, silent, slow, cut off or whose clock is wrong costs a bounded time and number of bytes.
Its questions then have no answer, and the evidence says why.
"""

import datetime as dt
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.clock import iso, now, read_iso
from appliance.errors import BoxError
from appliance.host import Heard, hear
from compliance.answer import FORMAT, of_the_box
from compliance.asking import ALL, Asks
from compliance.evidence import Answer, Evidence, Status
from compliance.questions import Question

ACCOUNT = "hbox-inspect"
PATIENCE = 120.0  # seconds for all of one node's answers; the unit over there ends earlier
MOST = 2 * ALL  # bytes that a node may send
SKEW = dt.timedelta(seconds=60)  # a node's clock may differ so much; evidence needs a time to go by

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")


@dataclass(frozen=True)
class Node:
    """Another node of the box: its name in the records and its management address."""

    name: str
    address: str


@dataclass(frozen=True)
class Line:
    """How nodes are reached: our key, and a file of the host keys that they are known by."""

    key: Path
    known_hosts: Path
    program: tuple[str, ...] = ("ssh",)


@dataclass(frozen=True)
class Answers:
    """What a node answered, by the text of the question, and why there is no more ("" when it is all)."""

    node: str
    by_question: Mapping[str, Evidence] = field(default_factory=dict)
    why: str = ""

    def __call__(self, question: Question) -> Evidence:
        """Return the node's evidence, or that there is none."""
        held = self.by_question.get(question.asked)
        if held is not None:
            return held
        why = self.why or "节点未回答此问题 the node did not answer this question"
        return Evidence.of(
            question.asked, Answer(why, Status.UNANSWERED, 255), at=iso(), where=self.node
        )


def argv(node: Node, line: Line) -> list[str]:
    """Return the command that lets a node answer. No word of it is said over there: the account has one."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
        "PreferredAuthentications": "publickey",
        "ServerAliveCountMax": "3",
        "ServerAliveInterval": "5",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(line.known_hosts),
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return [*line.program, "-F", "none", "-T", "-i", str(line.key), *words, "-l", ACCOUNT, "--", node.address]  # fmt: skip


def ask(node: Node, line: Line, patience: float = PATIENCE) -> Answers:
    """Let a node answer, for at most `patience` seconds; never raises for what it does."""
    since = now()
    try:
        heard = hear(argv(node, line), timeout=patience, most=MOST)
    except (BoxError, OSError) as error:
        return Answers(node.name, why=f"未能连接节点 node not reached: {error}")
    return read(heard, node.name, since)


def read(heard: Heard, node: str, since: dt.datetime) -> Answers:
    """Return what a node said from `since` until now, as far as it can be believed: its own, whole, in time."""
    head, *lines = heard.out.split(b"\n")
    if why := _stranger(head, node, since):
        return Answers(node, why=why if heard.out else _ended(heard))
    held: dict[str, Evidence] = {}
    for raw in lines:
        said = _object(raw)
        if said.get("end") == len(held):
            return Answers(node, held)
        evidence = _evidence(said, node, since)
        if evidence is not None:
            held.setdefault(evidence.asked, evidence)
    return Answers(node, held, _ended(heard))


def _stranger(head: bytes, node: str, since: dt.datetime) -> str:
    """Return why nothing of what follows can be believed, "" when it can."""
    said = _object(head)
    if said.get("format") != FORMAT:
        return "所答不是检查程序的回答 what the node said is not an inspector's answer"
    if said.get("node") != node:
        return "应答的是另一节点 another node answered than the one that was asked"
    if not _in_time(said.get("at"), since):
        shown = ascii(said["at"])[:60] if isinstance(said.get("at"), str) else "?"
        return f"节点时钟不准，证据没有可靠时间 the node's clock is wrong, its evidence has no reliable time: {shown}"
    return ""


def _in_time(at: object, since: dt.datetime) -> bool:
    """Whether it is an instant between `since` and now, as two clocks that go right may see it."""
    if not isinstance(at, str):
        return False  # what is nested deep enough cannot even be written out
    try:
        return since - SKEW <= read_iso(at) <= now() + SKEW
    except (ValueError, OverflowError, TypeError):
        return False


def _ended(heard: Heard) -> str:
    if heard.late:
        return "节点未在限时内答完 the node did not finish answering in time"
    if heard.cut:
        return f"节点所答超过 {MOST} 字节 the node said more than {MOST} bytes"
    last = heard.err.decode("utf-8", "replace").strip().splitlines()[-1:]
    return f"连接中断 the line ended (exit {heard.code}): {''.join(last)[:200]}"


def _object(raw: bytes) -> dict[str, Any]:
    """Read one line of JSON; what is none, or is nested beyond reading, is an empty object."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _evidence(said: Mapping[str, Any], node: str, since: dt.datetime) -> Evidence | None:
    """Return a piece of evidence that is whole, of that node, of this run, within the limits; else None."""
    try:
        asked, text, exit_code, at = said["asked"], said["answer"], said["exit"], said["at"]
        for one in (asked, text, at):
            one.encode()  # half a surrogate pair is no text, and no report could be written of it
        if type(exit_code) is not int or not -256 < exit_code < 65536:
            return None
        if said["where"] != node or not _in_time(at, since):
            return None
        answer = Answer(text, Status(said["status"]), exit_code)
        made = Evidence.of(asked, answer, at=at, where=node)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    return made if made.sha256 == said["sha256"] else None


def gather(
    nodes: Sequence[Node], line: Line, home: Asks, ask_one: Callable[[Node, Line], Answers] = ask
) -> dict[str, Asks]:
    """Begin to ask all nodes at once; return by name who can be asked about each, and waits when asked.

    What only the records can tell is asked of `home`.
    """
    if not nodes:
        return {}
    pool = ThreadPoolExecutor(len(nodes), thread_name_prefix="far")
    asked = {node.name: pool.submit(ask_one, node, line) for node in nodes}
    pool.shutdown(wait=False)
    return {name: _asks(answers, home) for name, answers in asked.items()}


def _asks(answers: "Future[Answers]", home: Asks) -> Asks:
    def asks(question: Question) -> Evidence:
        return home(question) if of_the_box(question) else answers.result()(question)

    return asks


def load(file: Path) -> list[Node]:
    """Read which nodes there are (a JSON list of name and address); raise `ValueError` for what is none."""
    return list(_nodes(json.loads(file.read_bytes())))


def _nodes(raw: Any) -> Iterator[Node]:
    for one in raw:
        node = Node(str(one["name"]), str(one["address"]))
        ipaddress.ip_address(node.address)
        if not _NAME.fullmatch(node.name):
            raise ValueError(node.name)
        yield node
