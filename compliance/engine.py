"""Runs the checks on the objects: one that fails never stops the others."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from appliance.clock import monotonic
from compliance.asking import Asks
from compliance.checks.asked import CONTAINER
from compliance.evidence import Evidence, Proofs, Status
from compliance.model import Check, Judgement, Outcome, Subject, unknown
from compliance.questions import Command

WORKERS = 4  # the questions wait for programs, so more than the cores

Told = Callable[[Outcome], None]


def inspect(
    asks: Asks, checks: Sequence[Check], subjects: Sequence[Subject], told: Told
) -> list[Outcome]:
    """Run every check on each subject of its kind; `told` hears of each outcome as it comes."""
    container = asks(CONTAINER)
    pairs = [
        (check, subject) for check in checks for subject in subjects if subject.kind is check.kind
    ]

    def one(pair: tuple[Check, Subject]) -> Outcome:
        outcome = examine(asks, *pair, container)
        told(outcome)
        return outcome

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, pairs))


def examine(asks: Asks, check: Check, subject: Subject, container: Evidence) -> Outcome:
    """Run one check on one subject."""
    began = monotonic()
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
            return unknown(f"没有得到回答：{proof.asked}", f"No answer: {proof.asked}")
    try:
        return check.judge(proofs)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        return unknown(f"回答无法解读：{why}", f"The answer could not be read: {why}")
