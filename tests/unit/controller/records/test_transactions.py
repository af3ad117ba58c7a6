"""Transactions: whole or not at all, one writer after the other, readers see one moment."""

import threading

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from controller.records.session import reading, transaction
from controller.records.tables import JobStep, Node


def test_a_row_that_points_nowhere_is_refused(controller):
    step = JobStep(job_id="none", position=0, key="k", title_zh="", title_en="", state="pending")
    with pytest.raises(IntegrityError), transaction(controller.engine) as session:
        session.add(step)


def test_an_error_takes_the_whole_transaction_back(controller):
    def broken():
        with transaction(controller.engine) as session:
            session.add(Node(name="node-2"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with reading(controller.engine) as session:
        assert session.get(Node, "node-2") is None


def test_a_reader_waits_for_no_writer_and_sees_one_moment(controller):
    with transaction(controller.engine) as writer:
        writer.add(Node(name="node-2"))
        writer.flush()
        seen = []
        reader = threading.Thread(target=lambda: seen.append(_nodes(controller)))
        reader.start()
        reader.join(5)
    assert seen == [["node-1"]]
    assert _nodes(controller) == ["node-1", "node-2"]


def test_a_reader_sees_the_same_moment_to_its_end(controller):
    with reading(controller.engine) as session:
        assert len(list(session.scalars(select(Node)))) == 1
        with transaction(controller.engine) as writer:
            writer.add(Node(name="node-2"))
        assert len(list(session.scalars(select(Node)))) == 1


def test_writers_take_turns(controller):
    def add(at):
        with transaction(controller.engine) as session:
            count = len(list(session.scalars(select(Node))))
            session.add(Node(name=f"n-{count:03}"))

    threads = [threading.Thread(target=add, args=(at,)) for at in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_nodes(controller)) == 17


def _nodes(controller):
    with reading(controller.engine) as session:
        return sorted(node.name for node in session.scalars(select(Node)))
