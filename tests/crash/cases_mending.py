"""Mendings: cut off anywhere, a node is as it was or wholly mended, never in between."""

from controller.actions.base import Action
from controller.actions.mending import MendFindings, PlanMending, UndoMending
from tests.crash.case import Case
from tests.crash.cases_vms import settled
from tests.crash.mendable import BROKEN, mendable, node_of
from tests.crash.world import HOME, World

_BOTH = "faillock,shell_timeout"


def _broken(action: Action):
    def prepare(world: World) -> Action:
        node_of(world).put(BROKEN)
        return action

    return prepare


def _mended(world: World) -> Action:
    node_of(world).put(BROKEN)
    settled(world, MendFindings(HOME, _BOTH, 120), "sue")
    return UndoMending(HOME, world.last().id, force=False, seconds=120)


CASES: dict[str, list[Case]] = {
    "compliance.mend.plan": [
        Case(_broken(PlanMending(HOME, _BOTH)), who="sue", changes=False, around=mendable)
    ],
    "compliance.mend": [Case(_broken(MendFindings(HOME, _BOTH, 120)), who="sue", around=mendable)],
    "compliance.undo": [Case(_mended, who="sue", around=mendable)],
}
