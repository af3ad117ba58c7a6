"""How a mending is taken back: byte for byte, and never over what somebody changed since."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from appliance.errors import Conflict, Text
from compliance.before import differences
from compliance.walk import shown
from controller.actions.mending import UndoMending
from controller.jobs.steps import Say, Step
from controller.workers import mending_proof as proof
from controller.workers.mending import BASELINE, Ground
from controller.workers.mending_kept import AFTER, BEFORE, PLAN, Kept, NothingKept
from controller.workers.mending_node import AtNode, digests_of
from controller.workers.mending_text import between, named
from controller.workers.site import Site


class ChangedSince(Conflict):
    """What the mending wrote is no longer as it left it."""

    code = "compliance.changed_since"
    text = Text("整改之后又有改动：{paths}", "Changed since the mending: {paths}")
    hint = Text(
        "请在任务结果中查看差异；确认后用 --force 撤销，这些改动会丢失。",
        "Look at the diff in the job's result; with --force it is taken back and these changes are lost.",
    )


def undo(action: UndoMending, site: Site) -> Sequence[Step]:
    """Put back what was there before the mending; fails like a mending does, and is proved like one."""
    work = _Undoing(Ground(site, action.node, action.seconds), action)
    return [
        Step("before", Text("留存现状", "Keep what is there"), work.before, work.leave),
        Step("check", Text("核对整改后有无改动", "See what changed since"), work.check),
        Step("arm", Text("设定自动恢复", "Arm the revert"), work.arm, work.stop),
        Step("apply", Text("恢复整改前的内容", "Put back"), work.apply, work.ground.put_back),
        Step("prove", Text("核验登录", "Prove the ways in"), work.prove),
        Step("confirm", Text("确认", "Confirm"), work.confirm),
    ]


@dataclass(frozen=True)
class _Undoing:
    ground: Ground
    action: UndoMending

    @property
    def old(self) -> Kept:
        return Kept.of(self.ground.site.settings, self.action.mended)

    @property
    def kinds(self) -> list[str]:
        return list(self._plan()["lockouts"])

    def before(self, say: Say) -> None:
        g, plan = self.ground, self._plan()
        held = self.old.read(BEFORE)
        # What was open to all is so no more, and no pattern finds it: it is asked for by its name.
        g.keep(held["patterns"], list(held["units"]), list(held["entries"]))
        g.kept.write(PLAN, plan)
        if not g.kept.has(BASELINE):
            ways = proof.ways_in(g.site, g.node, plan["lockouts"])
            mended = self.old.read(BASELINE)["ways"]
            g.kept.write(BASELINE, {"ways": proof.of_undoing(ways, mended)})
        say(f"已留存 kept: {len(held['entries'])} 个文件 files")

    def leave(self, _say: Say) -> None:
        self.ground.leave()

    def check(self, say: Say) -> None:
        old, now = self.old.read(BEFORE), self.ground.kept.read(BEFORE)
        since = list(differences(self.old.read(AFTER), digests_of(now)))
        back = self._back()
        diff = between(now["entries"], old["entries"], back)
        told = {"node": self.ground.node, "changed": {shown(path): "back" for path in back}}
        self.ground.site.report(**told, since=[shown(path) for path in since], diff=diff)
        if since and not self.action.force:
            raise ChangedSince(paths=named(since, 10))
        say(f"将恢复 goes back: {named(back)}")

    def arm(self, say: Say) -> None:
        self.ground.arm(self.kinds, say)

    def stop(self, _say: Say) -> None:
        self.ground.at.stop()

    def apply(self, say: Say) -> None:
        g = self.ground
        if self.kinds:
            g.at.armed()
        there = self._there()
        there.hand_over(self.old.read(BEFORE), anyway=True)
        moved = there.put_back(self.old.read(BEFORE))
        there.forget()
        say(f"已恢复 put back: {named(moved)}")

    def prove(self, say: Say) -> None:
        self.ground.prove(self.kinds, say)

    def confirm(self, say: Say) -> None:
        if self.ground.kept.has(PLAN) and self._kinds_kept():
            self.ground.at.disarm()
        if self.ground.kept.has(BEFORE) and self.old.has(BEFORE):
            self.ground.learn(self._back(), say)
        self.old.drop()
        self.ground.leave()

    def _back(self) -> list[str]:
        """The paths that are otherwise than before the mending."""
        old, now = self.old.read(BEFORE), self.ground.kept.read(BEFORE)
        return list(differences(digests_of(now), digests_of(old)))

    def _kinds_kept(self) -> list[str]:
        """The ways in that could be lost, from this job's own folder: the mending's may be gone."""
        return list(self.ground.kept.read(PLAN)["lockouts"])

    def _there(self) -> AtNode:
        return replace(self.ground.at, job=self.action.mended)

    def _plan(self) -> dict[str, Any]:
        """Return what was mended, where; raises `NothingKept` also where it was another node."""
        held: dict[str, Any] = self.old.read(PLAN)
        if held["node"] != self.action.node or not self.old.has(AFTER):
            raise NothingKept(job=self.action.mended, what="", name="")
        return held
