"""People's part of the inspection: statements, waivers, foreign objects, choices, the schedule."""

import datetime as dt
import hashlib
import json

from appliance import clock
from controller.actions.assessing import RemoveObject, SetChoice, SetObject, SetSchedule
from controller.actions.base import Action
from controller.actions.papers import (
    AnswerQuestion,
    ApproveAnswer,
    ApproveWaiver,
    AskWaiver,
    WithdrawAnswer,
    WithdrawWaiver,
)
from controller.records import answers
from controller.records.session import reading
from tests.crash.case import Case
from tests.crash.cases_vms import settled
from tests.crash.world import World

FIRST, SECOND = (f"9f1c1b1e-0000-4000-8000-00000000000{n}" for n in (1, 2))
UPLOAD = "1b7f1c1e-9a44-4a52-8f0e-1d6a5f3c2b10.paper"
DATA = b"%PDF-1.7 acceptance"
_DAY = (clock.now().date() + dt.timedelta(days=90)).isoformat()
_PLACE = ("8.1.1.1.a", "person:site")
_OBJECT = SetObject("boundary", "fw-1", "出口防火墙", "", "", "[]")
_CHOICE = SetChoice("hbox-2025-1.partial", "half")
_TIMES = frozenset(
    f"compliance_{table}.{column}"
    for table in ("statements", "waivers", "choices")
    for column in ("asked_at", "approved_at", "set_at", "digest", "seal")
) | {"foreign_objects.created_at"}


def _answer(paper: str = FIRST, files: str = "[]") -> Action:
    return AnswerQuestion(paper, *_PLACE, "conform", "看过验收文件", _DAY, files)


def _with_file(world: World) -> Action:
    folder = world.folder / "uploads"
    folder.mkdir(exist_ok=True)
    (folder / UPLOAD).write_bytes(DATA)
    file = {"name": "a.pdf", "upload": UPLOAD, "digest": hashlib.sha256(DATA).hexdigest()}
    return _answer(files=json.dumps([{**file, "size": len(DATA)}]))


def _waiver(paper: str = FIRST) -> Action:
    return AskWaiver(paper, "8.1.4.1.a", "controller:box", "等待供应商", "只在内网登录", _DAY)


def _again(world: World) -> Action:
    settled(world, _answer())
    return _answer(SECOND)


def _approving(world: World) -> Action:
    """An approval that takes the place of an earlier one."""
    settled(world, _answer())
    settled(world, ApproveAnswer(FIRST, _digest(world, FIRST)), "aud")
    settled(world, _answer(SECOND))
    return ApproveAnswer(SECOND, _digest(world, SECOND))


def _waiving(world: World) -> Action:
    settled(world, _waiver())
    with reading(world.engine) as session:
        return ApproveWaiver(FIRST, answers.waiver(session, FIRST).digest)


def _digest(world: World, paper: str) -> str:
    with reading(world.engine) as session:
        return answers.statement(session, paper).digest


def _after(action: Action, earlier: Action, who: str = "sam"):
    def prepare(world: World) -> Action:
        settled(world, earlier, who)
        return action

    return prepare


def _case(prepare, who: str = "sam") -> Case:
    return Case(prepare, who=who, ignored=_TIMES)


CASES: dict[str, list[Case]] = {
    "compliance.answer": [_case(_with_file), _case(_again)],
    "compliance.answer.approve": [_case(_approving, "aud")],
    "compliance.answer.withdraw": [
        _case(_after(WithdrawAnswer(FIRST, "证据不足"), _answer()), "aud")
    ],
    "compliance.waiver.ask": [_case(lambda _world: _waiver())],
    "compliance.waiver.approve": [_case(_waiving, "aud")],
    "compliance.waiver.withdraw": [
        _case(_after(WithdrawWaiver(FIRST, "已升级"), _waiver()), "sue")
    ],
    "compliance.object.set": [_case(lambda _world: _OBJECT)],
    "compliance.object.remove": [_case(_after(RemoveObject("boundary:fw-1"), _OBJECT))],
    "compliance.option.set": [_case(_after(SetChoice(_CHOICE.key, "none"), _CHOICE, "aud"), "aud")],
    "compliance.schedule.set": [_case(lambda _world: SetSchedule(7, 3), "sue")],
}
