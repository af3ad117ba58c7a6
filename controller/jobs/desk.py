"""What every execution needs at hand, and how a deed that breaks becomes an error with a code."""

import errno
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from appliance.errors import BoxError, Failed, Text
from controller.jobs.ledger import Ledger
from controller.records.session import RecordsAway

Boundary = Callable[[str, str, str], None]
"""Told of every step boundary: job id, step key, phase (begun, done, recorded, undo-…, ended)."""


class StepBroke(Failed):
    """A step ended in an error that nobody foresaw."""

    code = "job.step_broke"
    text = Text("步骤 {step} 意外失败：{why}", "The step {step} failed unexpectedly: {why}")


class DiskFull(Failed):
    """A step found no room on the disk of the controller's node."""

    code = "job.disk_full"
    text = Text("步骤 {step}：磁盘空间不足", "The step {step} found the disk full")
    hint = Text(
        "请在控制节点上腾出空间（hbox status），再重新提交。",
        "Make room on the controller's node (`hbox status`), then ask again.",
    )


def unwatched(_job: str, _step: str, _phase: str) -> None:
    """The boundary that nobody listens at."""


@dataclass(frozen=True)
class Desk:
    """The records, the worker's own ledger, and who is told of step boundaries."""

    engine: Engine
    ledger: Ledger
    boundary: Boundary = unwatched


def attempt(step: str, deed: Callable[[], None]) -> BoxError | None:
    """Do it; return the error if it failed, as one with a code.

    Raises `RecordsAway`: that is no failure of the step. The job is put aside and gone on with later.
    """
    try:
        deed()
    except RecordsAway:
        raise
    except BoxError as error:
        return error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return DiskFull(step=step) if full else _broke(step, error)
    except Exception as error:  # noqa: BLE001 - whatever broke, the job must end in order
        return _broke(step, error)
    return None


def _broke(step: str, error: Exception) -> StepBroke:
    return StepBroke(step=step, why=f"{type(error).__name__}: {error}")
