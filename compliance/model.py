"""The inspector's words: objects, verdicts, judgements, checks, findings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from appliance.errors import Text
from compliance.evidence import Answers, Proofs
from compliance.questions import Question

if TYPE_CHECKING:
    from compliance.given import Statement  # what people give is told in these words


class Kind(StrEnum):
    """Kinds of assessed object, named as the catalogue names them."""

    HOST = "host"
    HYPERVISOR = "hypervisor"
    BOUNDARY = "boundary"
    CONTROLLER = "controller"
    DB = "db"
    APP = "app"
    PERSON = "person"


KIND_TEXT = {
    Kind.HOST: Text("主机", "host"),
    Kind.HYPERVISOR: Text("虚拟化平台", "hypervisor"),
    Kind.BOUNDARY: Text("边界", "boundary"),
    Kind.CONTROLLER: Text("管理平台", "controller"),
    Kind.DB: Text("数据库", "database"),
    Kind.APP: Text("应用", "application"),
    Kind.PERSON: Text("人员与制度", "people and rules"),
}


class Verdict(StrEnum):
    """What is said of one object under one item. Only `CONFORM` counts as met."""

    CONFORM = "conform"
    PARTIAL = "partial"
    VIOLATED = "violated"
    NOT_APPLICABLE = "not_applicable"
    PENDING = "pending"
    UNKNOWN = "unknown"


VERDICT_TEXT = {
    Verdict.VIOLATED: Text("不符合", "does not conform"),
    Verdict.PARTIAL: Text("部分符合", "partly conforms"),
    Verdict.UNKNOWN: Text("未知", "unknown"),
    Verdict.PENDING: Text("待人工", "waits for a person"),
    Verdict.CONFORM: Text("符合", "conforms"),
    Verdict.NOT_APPLICABLE: Text("不适用", "not applicable"),
}

# Worst first: an item is as good as its worst object, a layer as good as its worst item. Undecided
# ranks below conforming, so that nothing unknown is ever counted as met.
WORST_FIRST = tuple(VERDICT_TEXT)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the worst of `verdicts` (at least one) in the order of `WORST_FIRST`."""
    return min(verdicts, key=WORST_FIRST.index)


@dataclass(frozen=True)
class Subject:
    """One assessed object: `controller:box`, `host:node1`."""

    kind: Kind
    name: str

    @property
    def ref(self) -> str:
        """Its name in a report."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True)
class Judgement:
    """What a check concludes from its evidence alone."""

    verdict: Verdict
    reason: Text


def weigh(faults: Sequence[Text], of: int, good: Text) -> Judgement:
    """No fault: conforms, for `good`; as many faults as the `of` questions: violated; else partly."""
    if not faults:
        return Judgement(Verdict.CONFORM, good)
    shown = list(faults[:12])
    if len(faults) > len(shown):
        rest = len(faults) - len(shown)
        shown.append(Text(f"另有 {rest} 处", f"and {rest} more"))
    reason = Text("；".join(f.zh for f in shown), "; ".join(f.en for f in shown))
    return Judgement(Verdict.VIOLATED if len(faults) >= of else Verdict.PARTIAL, reason)


def unknown(zh: str, en: str) -> Judgement:
    """Return that the evidence does not decide it."""
    return Judgement(Verdict.UNKNOWN, Text(zh, en))


def not_applicable(zh: str, en: str) -> Judgement:
    """Return that the clause asks nothing of this object, for this reason."""
    return Judgement(Verdict.NOT_APPLICABLE, Text(zh, en))


@dataclass(frozen=True)
class Check:
    """One machine check: its questions, and a pure judge of their answers (same order).

    `kernel_bound` facts belong to the kernel under the node; in a container they are unknown.
    """

    id: str
    kind: Kind
    title: Text
    items: tuple[str, ...]
    questions: tuple[Question, *tuple[Question, ...]]
    judge: Callable[[Answers], Judgement]
    kernel_bound: bool = False


@dataclass(frozen=True)
class Outcome:
    """One check run on one object: judgement, the evidence it stands on, seconds it took."""

    check: Check
    subject: Subject
    judgement: Judgement
    evidence: Proofs
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """The judgement's verdict."""
        return self.judgement.verdict


class NoEvidence(TypeError):
    """A programming error: somebody tried to state a verdict without evidence."""


@dataclass(frozen=True)
class Finding:
    """One item on one object; a decided verdict carries its outcomes, or the statement that counts.

    `machine` is what the checks alone decide; `complete` says whether they answer the whole item.
    `effect` is what became of a person's statement on it (`compliance.statements`), "" without one.
    """

    item: str
    subject: Subject
    verdict: Verdict
    reason: Text
    outcomes: tuple[Outcome, ...]
    machine: Verdict = Verdict.PENDING
    complete: bool = False
    statement: "Statement | None" = None
    effect: str = ""

    def __post_init__(self) -> None:
        undecided = self.verdict in (Verdict.PENDING, Verdict.UNKNOWN)
        if not undecided and not self.outcomes and self.statement is None:
            raise NoEvidence(self.item)
        if self.verdict is Verdict.NOT_APPLICABLE and not self.reason.zh.strip():
            raise NoEvidence(f"{self.item}: not applicable needs a reason")
