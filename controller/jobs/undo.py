"""The way back: the reverse of every step that was begun, last one first, until all are gone."""

from collections.abc import Sequence

from appliance import clock
from appliance.errors import Failed, Text
from controller.jobs import rows
from controller.jobs.desk import Desk, attempt
from controller.jobs.steps import Say, Step
from controller.records.session import transaction

_PAUSES = (1.0, 5.0)  # seconds before a reverse that failed is tried again


class UndoStuck(Failed):
    """A reverse does not work now; the job keeps its locks and is tried again later."""

    code = "job.undo_stuck"
    text = Text("步骤 {step} 暂时无法回退：{why}", "The step {step} cannot be undone now: {why}")
    hint = Text(
        "系统会继续重试；请消除日志中所示原因。",
        "The box keeps trying; remove the cause that the log shows.",
    )


def unwind(desk: Desk, job_id: str, steps: Sequence[Step], say: Say) -> None:
    """Undo what was begun and is not undone yet; raises `UndoStuck` if a reverse keeps failing."""
    progress = desk.ledger.read(job_id)
    if progress is None:
        return
    for position in sorted(set(progress.begun) - progress.undone, reverse=True):
        step = steps[position]
        with transaction(desk.engine) as session:
            rows.mark(session, job_id, position, "undoing")
        desk.boundary(job_id, step.key, "undo-begun")
        _reverse(step, say)
        desk.boundary(job_id, step.key, "undo-done")
        desk.ledger.undone(job_id, position)
        with transaction(desk.engine) as session:
            rows.mark(session, job_id, position, "undone")
        desk.boundary(job_id, step.key, "undo-recorded")


def _reverse(step: Step, say: Say) -> None:
    for pause in (*_PAUSES, None):
        error = attempt(step.key, lambda: step.undo(say))
        if error is None:
            return
        say(f"回退未成功 not undone yet: {step.key}: {error}")
        if pause is None:
            raise UndoStuck(step=step.key, why=str(error)) from error
        clock.pause(pause)
