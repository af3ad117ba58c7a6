"""Runs the checks on the objects: one that fails never stops the others."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from appliance.clock import monotonic
from appliance.errors import Text
from compliance.asking import Asks
from compliance.checks.asked import CONTAINER
from compliance.evidence import STDERR, Evidence, Proofs, Status
from compliance.model import Check, Judgement, Outcome, Subject, Verdict, unknown
from compliance.questions import Command

REASON = 4000  # characters of a reason
SAID = 160  # characters of why there is no answer that a reason shows
WORKERS = 4  # the questions wait for programs, so more than the cores

_ILLEGIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]")

Told = Callable[[Outcome], None]


def inspect(
    asks_of: Callable[[Subject], Asks],
    checks: Sequence[Check],
    subjects: Sequence[Subject],
    told: Told,
) -> list[Outcome]:
    """Run every check on each subject of its kind; `told` hears of each outcome as it comes.

    `asks_of` says which machine is asked about an object. The subjects are taken in their order: who
    has to be waited for stands last.
    """
    pairs = [
        (check, subject) for subject in subjects for check in checks if subject.kind is check.kind
    ]

    def one(pair: tuple[Check, Subject]) -> Outcome:
        outcome = examine(asks_of(pair[1]), *pair)
        told(outcome)
        return outcome

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, pairs))


def examine(asks: Asks, check: Check, subject: Subject) -> Outcome:
    """Run one check on one subject."""
    began = monotonic()
    container = asks(CONTAINER)
    if check.kernel_bound and container.status is Status.UNANSWERED:
        return Outcome(check, subject, _unanswered(container), (container,), monotonic() - began)
    if check.kernel_bound and in_container(container):
        judgement = unknown(
            "本节点是容器，内核归宿主机所有，此项无法判定",
            "This node is a container: the kernel is the host's, so this cannot be told here",
        )
        return Outcome(check, subject, judgement, (container,), monotonic() - began)
    first, *rest = (asks(question) for question in check.questions)
    proofs: Proofs = (first, *rest)
    return Outcome(check, subject, judge(check, proofs), proofs, round(monotonic() - began, 3))


def in_container(evidence: Evidence) -> bool:
    """Whether `systemd-detect-virt --container` named one; no answer at all counts as one."""
    return not evidence.there or evidence.out.strip() != "none"


def judge(check: Check, proofs: Proofs) -> Judgement:
    """Judge `proofs`; a question without an answer, or an answer nobody can read, is unknown."""
    for question, proof in zip(check.questions, proofs, strict=True):
        telling = not isinstance(question, Command) or question.telling
        if proof.status is Status.UNANSWERED or (proof.status is Status.ABSENT and not telling):
            return _unanswered(proof)
        if isinstance(question, Command) and question.speaks and proof.there and not proof.lines():
            return _unanswered(proof)
    try:
        judgement = _short(check.judge(proofs))
    except Exception as error:  # noqa: BLE001 - whatever a strange answer does to a judge, the others go on
        why = _printable(f"{type(error).__name__}: {error}")
        return unknown(f"回答无法解读：{why}", f"The answer could not be read: {why}")
    if judgement.verdict is Verdict.CONFORM and not all(_legible(one.answer) for one in proofs):
        return unknown(
            "回答含有控制字符或乱码，不能据以判定符合",
            "The answer has control characters or undecodable bytes: nothing conforms by it",
        )
    return judgement


def _legible(text: str) -> bool:
    """Whether it is text: no control characters but those of lines, nothing that could not be decoded."""
    return not _ILLEGIBLE.search(text)


def _short(judgement: Judgement) -> Judgement:
    """Return it with a reason that a report can show: what a machine said may stand in it."""
    zh, en = judgement.reason.zh, judgement.reason.en
    return replace(judgement, reason=Text(_bounded(zh), _bounded(en)))


def _bounded(text: str) -> str:
    return text if len(text) <= REASON else f"{text[:REASON]}…"


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text[:SAID])


def _unanswered(proof: Evidence) -> Judgement:
    """Say which question has no answer, and why, in the words in which that became known."""
    said = " ".join(proof.answer.partition(STDERR)[0].split()) or " ".join(proof.answer.split())
    why = f" ({_printable(said)})" if said else ""
    return unknown(f"没有得到回答：{proof.asked}{why}", f"No answer: {proof.asked}{why}")
