"""A job's own log: lines in the records for people, and on stderr for the system's journal."""

import sys
from collections.abc import Iterator

from sqlalchemy import Engine

from appliance import clock
from controller.jobs.steps import Say
from controller.records.session import transaction
from controller.records.tables import Job, JobLine

_LONGEST = 2000  # characters kept of one line


def sayer(engine: Engine, job: str) -> Say:
    """Return the function that writes lines into this job's log."""

    def say(text: str) -> None:
        lines = list(_lines(text))
        with transaction(engine) as session:
            if session.get(Job, job) is not None:
                session.add_all(JobLine(job_id=job, at=clock.iso(), line=line) for line in lines)
        for line in lines:
            tell(f"job {job}: {line}")

    return say


def tell(line: str) -> None:
    """Write one line to stderr; the service manager keeps it with its time."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip():
            yield line.rstrip()[:_LONGEST]
