"""What moved between two runs, why, and what no change record explains: that is drift.

Pure: two reports (without their envelopes) and the controller's change records go in.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from appliance.clock import read_iso
from appliance.errors import Text
from compliance import stable
from compliance.model import Verdict

Part = Mapping[str, Any]
Found = Iterable["Difference"]


class Kind(StrEnum):
    """What differs. Findings follow from the others, so they are never drift of their own."""

    OBJECT = "object"
    CHECK = "check"
    SETTING = "setting"
    FINDING = "finding"


class Cause(StrEnum):
    """Why it differs: the box changed, it could not be seen once, people said so, or the product is another."""

    MACHINE = "machine"
    SIGHT = "sight"
    PEOPLE = "people"
    PRODUCT = "product"


CAUSE_TEXT = {
    Cause.MACHINE: Text("系统变化", "the box changed"),
    Cause.SIGHT: Text("其中一次未能看到", "it was not seen in one of the runs"),
    Cause.PEOPLE: Text("人员填报变化", "people said so"),
    Cause.PRODUCT: Text("检查程序或目录变化", "other checks or another catalogue"),
}


@dataclass(frozen=True)
class Change:
    """A change record: the job, the object it changed (`host:node1`, or `node1` for all of that node), when.

    `about` narrows it to the checks and questions whose name holds one of these; () is all of the object.
    """

    job: str
    object: str
    at: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """One thing that moved. `name` is a check, an item, or a question; "" where something was not there.

    `explained_by` is the job whose change record covers it, "" for none.
    """

    kind: Kind
    subject: str
    name: str
    before: str
    after: str
    cause: Cause
    explained_by: str = ""

    @property
    def drift(self) -> bool:
        """Whether the box changed here and no change record says why."""
        return (
            self.kind is not Kind.FINDING and self.cause is Cause.MACHINE and not self.explained_by
        )


@dataclass(frozen=True)
class Differences:
    """All that moved from one run to the next."""

    before: str
    after: str
    found: tuple[Difference, ...]

    @property
    def drift(self) -> tuple[Difference, ...]:
        """What moved without a change record."""
        return tuple(one for one in self.found if one.drift)

    @property
    def told(self) -> Text:
        """One sentence about it."""
        moved, drift = len(self.found), len(self.drift)
        if drift:
            return Text(
                f"{moved} 处不同，其中 {drift} 处没有变更记录",
                f"{moved} differences, {drift} without a change record",
            )
        if moved:
            return Text(
                f"{moved} 处不同，均有来由，无漂移",
                f"{moved} differences, all accounted for: no drift",
            )
        return Text("两次结果一致，无漂移", "both runs are alike: no drift")

    def as_dict(self) -> dict[str, Any]:
        """Return it in JSON's terms."""
        return {
            "before": self.before,
            "after": self.after,
            "told": self.told.as_dict(),
            "differences": [{**asdict(one), "drift": one.drift} for one in self.found],
        }


def compare(before: Part, after: Part, changes: Sequence[Change] = ()) -> Differences:
    """Return what moved from the report `before` to `after`; `changes` are the records between both."""
    machine = [*_objects(before, after), *_checks(before, after), *_settings(before, after)]
    found = [*machine, *_findings(before, after, machine)]
    between = [one for one in changes if _between(one.at, before, after)]
    explained = [replace(one, explained_by=_explained(one, between)) for one in found]
    return Differences(before["started"], after["started"], tuple(explained))


def _objects(before: Part, after: Part) -> Found:
    for part, cause in (("subjects", Cause.MACHINE), ("foreign", Cause.PEOPLE)):
        old, new = ({one["ref"] for one in report.get(part, ())} for report in (before, after))
        for ref in sorted(old ^ new):
            here = ("there", "") if ref in old else ("", "there")
            yield Difference(Kind.OBJECT, ref, ref, *here, cause)


def _checks(before: Part, after: Part) -> Found:
    old, new = (
        {(c["id"], c["subject"]): c for c in report["checks"]} for report in (before, after)
    )
    other = before.get("tool") != after.get("tool")
    for key in [*old, *(key for key in new if key not in old)]:
        name, subject = key
        was, now = _said(old.get(key)), _said(new.get(key))
        if was != now and subject in _both(before, after):
            cause = _cause(old.get(key), new.get(key))
            if other and cause is Cause.MACHINE and _as_seen(before, old[key], after, new[key]):
                cause = Cause.PRODUCT
            yield Difference(Kind.CHECK, subject, name, was, now, cause)


def _said(check: Part | None) -> str:
    """Return verdict and reason; why something conforms is said in many ways, so there the verdict alone."""
    if check is None or check["verdict"] == Verdict.CONFORM:
        return check["verdict"] if check else ""
    return f"{check['verdict']}: {stable.reason(check['reason']['zh'])}"


def _cause(old: Part | None, new: Part | None) -> Cause:
    if old is None or new is None:
        return Cause.PRODUCT
    unseen = Verdict.UNKNOWN in (old["verdict"], new["verdict"])
    return Cause.SIGHT if unseen else Cause.MACHINE


def _as_seen(before: Part, old: Part, after: Part, new: Part) -> bool:
    """Whether only what other checks say of it moved: the verdict stayed, or every answer is the same."""
    if old["verdict"] == new["verdict"]:
        return True
    was, now = _answers(before, old), _answers(after, new)
    return bool(was) and was == now


def _answers(report: Part, check: Part) -> dict[tuple[str, str], str]:
    proofs = [report["evidence"][one] for one in check.get("evidence", ())]
    return {(one["where"], one["asked"]): one["answer"] for one in proofs}


def _both(before: Part, after: Part) -> set[str]:
    old, new = ({one["ref"] for one in report["subjects"]} for report in (before, after))
    return old & new


def _settings(before: Part, after: Part) -> Found:
    """Compare what was read word for word; what only one run asked or saw is no difference of a setting."""
    old, new = (_read(report) for report in (before, after))
    for (where, asked), held in old.items():
        now = new.get((where, asked))
        if now is not None and now != held:
            yield Difference(Kind.SETTING, where, asked, held, now, Cause.MACHINE)


def _read(report: Part) -> dict[tuple[str, str], str]:
    proofs = report["evidence"].values()
    return {(p["where"], p["asked"]): d for p in proofs if (d := stable.setting(p)) is not None}


def _findings(before: Part, after: Part, machine: Sequence[Difference]) -> Found:
    """A finding moved for what moved below it: its checks, else people's part, else the catalogue."""
    moved = {(one.name, one.subject): one.cause for one in machine if one.kind is Kind.CHECK}
    old, new = (_found(report) for report in (before, after))
    for key in [key for key in old if key in new]:
        was, now = old[key], new[key]
        if was["verdict"] == now["verdict"]:
            continue
        names = {*was["checks"], *now["checks"]}
        causes = [moved[name, key[1]] for name in names if (name, key[1]) in moved]
        cause = min(causes, key=list(Cause).index) if causes else _apart(was, now)
        yield Difference(Kind.FINDING, key[1], key[0], was["verdict"], now["verdict"], cause)


def _apart(was: Part, now: Part) -> Cause:
    return Cause.PRODUCT if was.get("machine") != now.get("machine") else Cause.PEOPLE


def _found(report: Part) -> dict[tuple[str, str], Part]:
    parts = [report, *report.get("laws", ())]  # a report of the form before had neither
    return {(one["item"], one["subject"]): one for part in parts for one in part["findings"]}


def _between(at: str, before: Part, after: Part) -> bool:
    """Whether a record lies from the start of the first run to the end of the second."""
    end = read_iso(after["started"]) + dt.timedelta(seconds=after["seconds"])
    return read_iso(before["started"]) <= read_iso(at) <= end


def _explained(one: Difference, changes: Sequence[Change]) -> str:
    own = {one.subject, one.subject.partition(":")[2] or one.subject}
    return next((c.job for c in changes if c.object in own and _touches(c, one.name)), "")


def _touches(change: Change, name: str) -> bool:
    return not change.about or any(part in name for part in change.about)
