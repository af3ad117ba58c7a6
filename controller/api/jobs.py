"""Jobs: list, show, wait for, cancel, read the log; and the events of all of them."""

import json
import threading
from collections.abc import Iterator

from flask import Response
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import NotFound, Text, Unavailable
from controller.access import reach
from controller.actions.base import Role
from controller.api.call import Answer, Call
from controller.api.route import EVERYONE, READERS, VIEWERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobFilter, JobLineOut, JobOut, LogAfter, WaitFor
from controller.jobs import queue
from controller.records import jobs, modules
from controller.records.session import reading, transaction

# Whoever waits holds a thread: a few may, the rest are told to ask again.
_WAITING = threading.BoundedSemaphore(3)
_LISTENING = threading.BoundedSemaphore(4)
_LISTEN_FOR = 60.0  # seconds; a browser then connects again by itself


@route(
    Form(
        "GET",
        "/api/v1/jobs",
        Text("列出任务", "List the jobs"),
        EVERYONE,
        answer=Items[JobOut],
        query=JobFilter,
    )
)
def list_jobs(call: Call) -> Answer:
    """Answer with jobs, newest first, without their steps."""
    asked = call.asked(JobFilter)

    def ask(session: Session) -> list[JobOut]:
        objects = _objects(session, call)
        if asked.object is not None:
            objects = (asked.object,) if objects is None or asked.object in objects else ()
        state = str(asked.state) if asked.state else None
        within = reach.jobs(call.principal)
        wanted = jobs.Wanted(state, asked.kind, objects, asked.before, asked.limit, within)
        return [JobOut.of(job) for job in jobs.many(session, wanted)]

    found = call.read(ask)
    more = found[-1].number if len(found) == asked.limit else None
    return Answer(Items[JobOut](items=found, next=more))


@route(Form("GET", "/api/v1/jobs/<job>", Text("查看任务", "Show a job"), EVERYONE, answer=JobOut))
def show_job(call: Call, job: str) -> Answer:
    """Answer with one job, by id or number, with its steps."""
    return Answer(_show(call, job))


@route(
    Form(
        "GET",
        "/api/v1/jobs/<job>/wait",
        Text("等待任务结束", "Wait for a job to end"),
        EVERYONE,
        answer=JobOut,
        query=WaitFor,
    )
)
def wait_job(call: Call, job: str) -> Answer:
    """Answer when the job has ended, or after the time given, with the job as it is then."""
    until = clock.monotonic() + call.asked(WaitFor).timeout
    if not _WAITING.acquire(blocking=False):
        raise Unavailable(what="等待 waiting", why="同时等待的请求过多 too many wait already")
    try:
        shown = _show(call, job)
        while not shown.over and clock.monotonic() < until:
            clock.pause(0.3)
            shown = _show(call, job)
    finally:
        _WAITING.release()
    return Answer(shown)


@route(
    Form(
        "GET",
        "/api/v1/jobs/<job>/log",
        Text("查看任务日志", "Read a job's log"),
        EVERYONE,
        answer=Items[JobLineOut],
        query=LogAfter,
    )
)
def job_log(call: Call, job: str) -> Answer:
    """Answer with the log's lines after the one named; `next` is the last one's id."""
    asked = call.asked(LogAfter)

    def ask(session: Session) -> list[JobLineOut]:
        found = _visible(session, call, job)
        rows = jobs.lines(session, found, after=asked.after, limit=asked.limit)
        return [JobLineOut.model_validate(row) for row in rows]

    lines = call.read(ask)
    return Answer(Items[JobLineOut](items=lines, next=lines[-1].id if lines else None))


@route(
    Form(
        "DELETE",
        "/api/v1/jobs/<job>",
        Text("取消任务", "Cancel a job"),
        VIEWERS,
        answer=JobOut,
    )
)
def cancel_job(call: Call, job: str) -> Answer:
    """Cancel a waiting job; ask a running one to stop between two steps and be undone."""
    with transaction(call.engine) as session:
        found = queue.cancel(session, call.principal, _visible(session, call, job))
        return Answer(JobOut.of(found, jobs.steps(session, found.id)))


@route(
    Form(
        "GET",
        "/api/v1/events",
        Text("接收任务变化（SSE）", "Hear of changes of jobs (server-sent events)"),
        READERS,
        gives=("text/event-stream",),
    )
)
def events(call: Call) -> Answer:
    """Stream one event per change of a job; for a minute, then the client connects again."""
    if not _LISTENING.acquire(blocking=False):
        raise Unavailable(what="事件流 events", why="连接过多 too many listen already")
    stream = Response(_changes(call), mimetype="text/event-stream")
    stream.call_on_close(_LISTENING.release)
    return Answer(stream, headers={"Cache-Control": "no-store"})


def _changes(call: Call) -> Iterator[str]:
    until = clock.monotonic() + _LISTEN_FOR
    told: dict[str, str] = {}
    yield "retry: 2000\n\n"
    while clock.monotonic() < until:
        with reading(call.engine) as session:
            found = jobs.many(session, jobs.Wanted(limit=50))
            now = {job.id: JobOut.of(job, jobs.steps(session, job.id)) for job in found}
        for key, shown in now.items():
            mark = shown.model_dump_json(exclude={"seconds"})
            if told.get(key) != mark:
                told[key] = mark
                data = {"id": key, "number": shown.number, "state": shown.state, "kind": shown.kind}
                yield f"event: job\ndata: {json.dumps(data)}\n\n"
        yield ": \n\n"  # so that a client that went away is noticed
        clock.pause(1.0)


def _show(call: Call, name: str) -> JobOut:
    def ask(session: Session) -> JobOut:
        job = jobs.get(session, _visible(session, call, name))
        return JobOut.of(job, jobs.steps(session, job.id))

    return call.read(ask)


def _visible(session: Session, call: Call, name: str) -> str:
    """Return the job's id; what is out of reach (another vendor's, another tenant's) is not there."""
    job, objects = jobs.get(session, name), _objects(session, call)
    theirs = objects is not None and job.object not in objects
    if theirs or not jobs.is_within(session, job.id, reach.jobs(call.principal)):
        raise NotFound(what="任务 job", name=name)
    return job.id


def _objects(session: Session, call: Call) -> tuple[str, ...] | None:
    if call.principal.role is not Role.VENDOR:
        return None
    mine = modules.many(session, vendor=call.principal.vendor)
    return tuple(f"module/{module.id}" for module in mine)
