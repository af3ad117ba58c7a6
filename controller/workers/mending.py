"""How findings are mended: dry run, before-values, armed revert, roles, proofs; only then it stays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from appliance import clock
from appliance.errors import Failed, Text
from compliance.before import differences
from compliance.remedies.model import Remedy, within
from compliance.walk import shown
from controller.actions.mending import MendFindings, PlanMending
from controller.jobs.steps import Say, Step
from controller.workers import mending_proof as proof
from controller.workers.mending_kept import AFTER, BEFORE, PLAN, Kept, sweep
from controller.workers.mending_node import AtNode, digests_of, of_files, outside
from controller.workers.mending_text import Diffs, named
from controller.workers.nodes_play import Play, play
from controller.workers.nodes_state import of_members
from controller.workers.site import Site

BASELINE = "baseline.json"


class OutsideSurface(Failed):
    """The roles wrote what the remedy does not say that they write."""

    code = "compliance.outside_surface"
    text = Text("整改改动了申报范围以外的内容：{paths}", "More changed than was declared: {paths}")
    hint = Text(
        "已恢复原状；请把任务日志交给支持人员。", "All was put back; hand the job's log to support."
    )


@dataclass(frozen=True)
class Ground:
    """One job's work on one node: what it may write, and how it could lock people out."""

    site: Site
    node: str
    seconds: int

    @property
    def at(self) -> AtNode:
        """The node's side."""
        return AtNode(outside(self.site.node(self.node).host), self.node, self.site.job_id)

    @property
    def kept(self) -> Kept:
        """The controller's side."""
        return Kept.of(self.site.settings, self.site.job_id)

    def keep(self, surface: Sequence[str], units: Sequence[str], known: Sequence[str] = ()) -> None:
        """Keep what is there; a second time, what was kept counts."""
        if not self.kept.has(BEFORE):
            self.kept.write(BEFORE, self.at.keep(surface, units, known))

    def arm(self, kinds: Sequence[str], say: Say) -> None:
        """Have the node revert by itself, if there is a way in to be lost."""
        if kinds:
            self.at.arm(self.seconds)
            say(f"{self.seconds} 秒内未确认则自动恢复 reverts by itself unless confirmed")

    def put_back(self, say: Say) -> None:
        """Put everything back as it was kept."""
        moved = self.at.put_back(self.kept.read(BEFORE))
        say(f"已恢复 put back: {named(moved)}")

    def prove(self, kinds: Sequence[str], say: Say) -> None:
        """Raise `LockedOut` unless every way in that worked before still works."""
        if not kinds:
            return
        before = self.kept.read(BASELINE)["ways"]
        now = proof.ways_in(self.site, self.node, kinds)
        say(f"登录核验 ways in: {proof.told(now)}")
        if lost := proof.closed(before, now):
            raise proof.LockedOut(ways=proof.told(lost))

    def learn(self, changed: Iterable[str], say: Say) -> None:
        """What was changed in files was meant: the node's file database takes it over."""
        if of_files(changed):
            self.at.learn()
            say("更新文件基准 the file database is renewed")

    def leave(self) -> None:
        """Nothing of the job stays, on either side."""
        self.at.forget()
        self.kept.drop()


def plan(action: PlanMending, site: Site) -> Sequence[Step]:
    """Run the roles dry; their diff is the job's result."""

    def look(say: Say) -> None:
        changed, diff = run_roles(site, say, action.node, action.chosen, check=True)
        site.report(
            **_told(action.node, action.chosen), would_change=changed, diff=diff, plan=site.job_id
        )

    return [Step("plan", Text("试运行，不改动", "Run the roles dry"), look)]


def mend(action: MendFindings, site: Site) -> Sequence[Step]:
    """Mend; whatever fails or is cut off, everything is put back."""
    work = _Mending(Ground(site, action.node, action.seconds), action.chosen)
    return [
        Step("plan", Text("试运行，不改动", "Run the roles dry"), work.plan),
        Step("before", Text("留存整改前的内容", "Keep what is there"), work.before, work.leave),
        Step("arm", Text("设定自动恢复", "Arm the revert"), work.arm, work.stop),
        Step("apply", Text("执行整改", "Run the roles"), work.apply, work.ground.put_back),
        Step("prove", Text("核验登录与检查结果", "Prove the ways in and the checks"), work.prove),
        Step("confirm", Text("确认并归档", "Confirm, and file it"), work.confirm, work.reopen),
    ]


@dataclass(frozen=True)
class _Mending:
    ground: Ground
    remedies: tuple[Remedy, ...]

    @property
    def surface(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(path for one in self.remedies for path in one.surface))

    @property
    def units(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(unit for one in self.remedies for unit in one.units))

    @property
    def kinds(self) -> list[str]:
        return sorted({str(one.lockout) for one in self.remedies if one.lockout is not None})

    def plan(self, say: Say) -> None:
        g = self.ground
        changed, diff = run_roles(g.site, say, g.node, self.remedies, check=True)
        told = _told(g.node, self.remedies)
        g.kept.write(PLAN, {**told, "lockouts": self.kinds, "diff": diff, "at": clock.iso()})
        g.site.report(**told, would_change=changed, diff=diff)

    def before(self, say: Say) -> None:
        g = self.ground
        g.keep(self.surface, self.units)
        held = g.kept.read(BEFORE)
        if not g.kept.has(BASELINE):
            ways = proof.ways_in(g.site, g.node, self.kinds)
            verdicts = proof.judge(g.site, g.node, self.remedies)
            g.kept.write(BASELINE, {"ways": ways, "verdicts": verdicts})
            if self.kinds:
                say(f"整改前可用的登录方式 ways in before: {proof.told(ways)}")
        say(f"已留存 kept: {len(held['entries'])} 个文件 files, {len(held['units'])} units")

    def leave(self, _say: Say) -> None:
        self.ground.leave()

    def arm(self, say: Say) -> None:
        self.ground.arm(self.kinds, say)

    def stop(self, _say: Say) -> None:
        if self.kinds:
            self.ground.at.stop()

    def apply(self, say: Say) -> None:
        g = self.ground
        self._in_time()
        run_roles(g.site, say, g.node, self.remedies, check=False)
        self._in_time()
        changed = g.at.differences()
        g.site.report(changed={shown(path): how for path, how in changed.items()})
        if outside := [p for p, how in changed.items() if not within(p, self.surface, how)]:
            raise OutsideSurface(paths=named(outside, 10))

    def prove(self, say: Say) -> None:
        g = self.ground
        g.prove(self.kinds, say)
        before = g.kept.read(BASELINE)["verdicts"]
        after = proof.judge_until_met(g.site, g.node, self.remedies, before, say)
        verdicts = {
            check: [before.get(check, ("?",))[0], told] for check, (told, _) in after.items()
        }
        left = proof.still_open(after)
        g.site.report(verdicts=verdicts, still_open=left)
        self._in_time()
        if bad := proof.unmended(before, after):
            raise proof.NotMended(checks=", ".join(bad))
        if left:
            say(f"仍不符合，需人员处理 a person must see to: {', '.join(left)}")

    def confirm(self, say: Say) -> None:
        g = self.ground
        if not g.kept.has(AFTER):
            if self.kinds:
                g.at.disarm()
            g.kept.write(AFTER, g.at.digests())
        g.learn(differences(digests_of(g.kept.read(BEFORE)), g.kept.read(AFTER)), say)
        g.at.forget()
        sweep(g.site.settings)
        say("整改前的内容留存 180 天，可撤销 kept for 180 days: it can be taken back")

    def _in_time(self) -> None:
        if self.kinds:
            self.ground.at.armed()

    def reopen(self, _say: Say) -> None:
        self.ground.kept.drop(AFTER)


def run_roles(
    site: Site, say: Say, node: str, remedies: Sequence[Remedy], *, check: bool
) -> tuple[int, str]:
    """Run the remedies' tasks; return how many changed something (or would), and the diff."""
    runner, diffs, changed = site.roles or play, Diffs(), 0
    for book in sorted({one.playbook for one in remedies}):
        tags = tuple(one.tag for one in remedies if one.playbook == book)
        what = Play(playbook=book, check=check, tags=tags)
        heard = partial(_hear, say, diffs)
        changed += runner(site, heard, of_members(site, [node]), what)[node].changed
    return changed, diffs.text


def _hear(say: Say, diffs: Diffs, line: str) -> None:
    shown = diffs.take(line)
    if shown:
        say(shown)


def _told(node: str, remedies: Sequence[Remedy]) -> dict[str, Any]:
    return {"node": node, "remedies": [one.id for one in remedies]}
