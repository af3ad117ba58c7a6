"""How a job ends when the disk is full, and when nobody heard that its end was recorded."""

import errno

from sqlalchemy import event

from controller.records.session import RecordsAway
from hardware.ssh import NodeUnreachable


def test_a_full_disk_is_named_as_such(world):
    def gate(step):
        if step == "two":
            raise OSError(errno.ENOSPC, "No space left on device")

    world.gate = gate
    job_id = world.ask()
    world.work()
    job = world.job(job_id)
    assert (job.state, job.error["code"]) == ("failed", "job.disk_full")
    assert world.files() == []


def test_a_line_that_broke_once_does_not_undo_the_job(world):
    broken = []

    def gate(step):
        if step == "two" and not broken:
            broken.append(step)
            raise NodeUnreachable(name="n2", why="Socket is closed")

    world.gate = gate
    job_id = world.ask()
    world.work()
    assert (world.job(job_id).state, broken) == ("succeeded", ["two"])


def test_a_node_that_is_away_does(world):
    def gate(step):
        if step == "two":
            raise NodeUnreachable(name="n2", why="No route to host")

    world.gate = gate
    job_id = world.ask()
    world.work()
    job = world.job(job_id)
    assert (job.state, job.error["code"]) == ("failed", "node.unreachable")
    assert world.files() == []


def test_an_end_that_was_recorded_unheard_holds_nothing(world):
    """The records make the last commit and go away before they say so: the next look finds the job ended."""
    job_id = world.ask()
    lost = []

    def heard(connection):
        progress = world.ledger.read(job_id)
        if progress is not None and progress.closing and not lost:
            lost.append(connection.connection.dbapi_connection.commit())
            raise RecordsAway(why="gone")

    event.listen(world.engine, "commit", heard)
    world.work()
    event.remove(world.engine, "commit", heard)
    assert lost == [None]
    job = world.job(job_id)
    assert (job.state, job.worker, job.lease_until) == ("succeeded", None, None)
    assert world.ledger.jobs() == ()
