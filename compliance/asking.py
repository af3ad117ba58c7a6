"""Puts questions to a machine, each at most once a run, and keeps the answers as evidence."""

import json
import threading
from collections.abc import Callable, Mapping

from appliance.clock import iso
from appliance.errors import BoxError
from appliance.host import (
    BoundedHost,
    CommandMissing,
    CommandTimeout,
    CommandTooLong,
    Host,
    LocalHost,
)
from appliance.settings import load
from compliance.evidence import CUT, LIMIT, STDERR, Answer, Evidence, Status
from compliance.questions import READER, Command, File, Question
from compliance.records import RecordsUnread, rows

PATIENCE = 15.0  # seconds that one question may take, unless it says otherwise
ALL = 8 * LIMIT  # characters that one machine's answers may have together

Asks = Callable[[Question], Evidence]


def this_machine() -> LocalHost:
    """Return this machine, asked within bounds: nothing it says costs more than a few megabytes."""
    return BoundedHost(4 * LIMIT)  # a character has at most four bytes


class Asker:
    """Asks one machine. Safe for several threads; the same question gives the same evidence.

    `handed` holds answers that the privileged prologue brought, by the text of the question.
    """

    def __init__(
        self, host: Host, where: str, handed: Mapping[str, Evidence] | None = None
    ) -> None:
        self._host = host
        self._where = where
        self._known: dict[str, Evidence] = dict(handed or {})
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._left = ALL

    def __call__(self, question: Question) -> Evidence:
        """Return the evidence for `question`; never raises for what the machine said or did not say."""
        key = question.asked
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._known:
                self._known[key] = self._counted(put(self._host, question, self._where))
            return self._known[key]

    def _counted(self, evidence: Evidence) -> Evidence:
        """Return it, or in its place that this machine has said too much already."""
        with self._guard:
            self._left -= len(evidence.answer)
            over = self._left < 0
        if not over:
            return evidence
        said = Answer(f"over {ALL} characters in all{CUT}", Status.UNANSWERED, evidence.exit)
        return Evidence.of(evidence.asked, said, at=evidence.at, where=evidence.where)


def put(host: Host, question: Question, where: str) -> Evidence:
    """Put `question` to `host` now."""
    at = iso()
    if not isinstance(question, Command):
        answer = _read(host, question)
    elif question.argv[:-1] == READER and isinstance(host, LocalHost):
        answer = _records(question.argv[-1])
    else:
        answer = _run(host, question)
    return Evidence.of(question.asked, answer, at=at, where=where)


def _records(query: str) -> Answer:
    """Answer what `compliance.records` would print, without starting it: dozens of checks ask the records."""
    try:
        found = rows(load(), query)
    except (RecordsUnread, BoxError) as error:
        return Answer(f"{STDERR}{error}\n", Status.UNANSWERED, 1)
    return Answer(json.dumps(found, ensure_ascii=False) + "\n", Status.ANSWERED)


def _run(host: Host, question: Command) -> Answer:
    try:
        patience = question.patience or PATIENCE
        result = host.run(question.argv, timeout=patience, check=False, env={"LC_ALL": "C"})
    except CommandMissing as error:
        return Answer(str(error), Status.ABSENT, 127)
    except CommandTimeout as error:
        return Answer(str(error), Status.UNANSWERED, 124)
    except CommandTooLong as error:
        begun = error.heard.decode("utf-8", "replace")
        return Answer(f"{begun}{CUT}{STDERR}{error}", Status.UNANSWERED, 124)
    text = result.text
    if result.err:
        text += STDERR + result.err.decode("utf-8", "replace")
    answered = result.code in question.ok
    return Answer(text, Status.ANSWERED if answered else Status.UNANSWERED, result.code)


def _read(host: Host, question: File) -> Answer:
    try:
        return Answer(host.read(question.path).decode("utf-8", "replace"), Status.ANSWERED)
    except FileNotFoundError as error:
        return Answer(str(error), Status.ABSENT, error.errno or 2)
    except (OSError, ValueError) as error:
        return Answer(str(error), Status.UNANSWERED, getattr(error, "errno", None) or 5)
