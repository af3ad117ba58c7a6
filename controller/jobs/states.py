"""The states of a job and the ways between them.

waiting ──▶ running ──▶ succeeded
   │  │        │
   │  │        └──▶ undoing ──▶ failed | cancelled
   │  └──▶ refused     (the worker does not believe the row)
   └─────▶ cancelled   (nobody had begun)
"""

from enum import StrEnum

from appliance.errors import Conflict, Text
from controller.records.tables import Job


class State(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


WAYS: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.RUNNING, State.REFUSED, State.CANCELLED}),
    State.RUNNING: frozenset({State.SUCCEEDED, State.UNDOING}),
    State.UNDOING: frozenset({State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.REFUSED: frozenset(),
    State.CANCELLED: frozenset(),
}

FINAL = frozenset(state for state, ways in WAYS.items() if not ways)

TEXTS: dict[State, Text] = {
    State.WAITING: Text("等待中", "waiting"),
    State.RUNNING: Text("运行中", "running"),
    State.UNDOING: Text("正在回退", "undoing"),
    State.SUCCEEDED: Text("成功", "succeeded"),
    State.FAILED: Text("失败，已回退", "failed and undone"),
    State.REFUSED: Text("已拒绝", "refused"),
    State.CANCELLED: Text("已取消", "cancelled"),
}


class WrongState(Conflict):
    """A job cannot go this way."""

    code = "job.wrong_state"
    text = Text(
        "任务 {job} 当前为 {state}，不能变为 {wanted}",
        "Job {job} is {state}, not to become {wanted}",
    )


def advance(job: Job, to: State) -> None:
    """Move `job` to the state `to`; raise `WrongState` where the diagram has no such way."""
    if to not in WAYS[State(job.state)]:
        raise WrongState(job=job.number, state=job.state, wanted=to)
    job.state = to


def over(job: Job) -> bool:
    """Whether the job has ended, in whatever way."""
    return State(job.state) in FINAL
