"""Submitting and cancelling: one transaction, bound to its audit entry, refused without a trace."""

import datetime as dt
import json

import pytest
from sqlalchemy import func, select

from appliance import audit as links
from appliance import chance, clock
from appliance.errors import Forbidden
from controller.actions.base import Role
from controller.actions.compliance import RunCompliance
from controller.actions.gateway import ProveGateway
from controller.actions.vms import CreateVm, VmNameTaken
from controller.jobs import queue
from controller.jobs.states import FINAL, TEXTS, WAYS, State, WrongState, advance, over
from controller.records import audit
from controller.records.session import reading, transaction
from controller.records.tables import AuditEntry, Job, Vm


def create(name="web-1", zone="extranet"):
    return CreateVm(chance.new_id(), name, zone, "node-1", 1, 512, 4, True)


def submit(controller, action, role=Role.SYSTEM, key=None):
    with transaction(controller.engine) as session:
        return queue.submit(session, controller.principal(role), action, key)


def count(controller, table):
    with reading(controller.engine) as session:
        return session.scalar(select(func.count()).select_from(table))


def test_job_wish_and_audit_entry_come_together(controller):
    job = submit(controller, create())
    with reading(controller.engine) as session:
        entry = session.get(AuditEntry, job.audit_number)
        vm = session.scalar(select(Vm))
        links.verify(audit.entries(session))
    detail = json.loads(entry.detail)
    assert (detail["job"], detail["sha256"], detail["via"]) == (job.id, queue.binding(job), "test")
    assert (vm.job_id, vm.wished, vm.actual) == (job.id, "running", "absent")
    assert job.locks == [f"vm/{vm.id}"]


@pytest.mark.parametrize("field", ["id", "kind", "action", "actor", "role", "locks"])
def test_the_binding_covers_all_that_matters(controller, field):
    job = submit(controller, create())
    before = queue.binding(job)
    value = getattr(job, field)
    setattr(
        job,
        field,
        [*value, "x"]
        if isinstance(value, list)
        else ({**value, "vcpus": 9} if isinstance(value, dict) else "x"),
    )
    assert queue.binding(job) != before


def test_a_role_that_may_not_leaves_no_trace(controller):
    before = count(controller, AuditEntry)
    for role in (Role.SECURITY, Role.AUDIT, Role.AUDITOR, Role.VENDOR):
        with pytest.raises(Forbidden):
            submit(controller, create(), role)
    assert (count(controller, Job), count(controller, Vm)) == (0, 0)
    assert count(controller, AuditEntry) == before


def test_a_wish_that_cannot_be_leaves_no_trace(controller):
    submit(controller, create())
    before = count(controller, AuditEntry)
    with pytest.raises(VmNameTaken):
        submit(controller, create())
    assert (count(controller, Job), count(controller, AuditEntry)) == (1, before)


def test_one_key_belongs_to_one_person(controller):
    key = queue.Idempotency("k", "d")
    mine = submit(controller, ProveGateway(), key=key)
    assert submit(controller, ProveGateway(), key=key).id == mine.id
    other = submit(controller, ProveGateway(), Role.AUDIT, key)
    assert other.id != mine.id
    with pytest.raises(queue.OtherBody):
        submit(controller, RunCompliance(), key=queue.Idempotency("k", "e"))


def test_cancelling_a_waiting_job_frees_name_and_address(controller):
    job = submit(controller, create())
    with transaction(controller.engine) as session:
        queue.cancel(session, controller.principal(Role.SYSTEM), job.id)
    assert count(controller, Vm) == 0
    with reading(controller.engine) as session:
        assert session.get(Job, job.id).state == "cancelled"
        assert [e.act for e in audit.page(session, limit=1)] == ["job.cancel"]
        links.verify(audit.entries(session))
    submit(controller, create())


def test_cancelling_a_running_job_only_asks(controller):
    job = submit(controller, create())
    with transaction(controller.engine) as session:
        session.get(Job, job.id).state = "running"
    with transaction(controller.engine) as session:
        held = queue.cancel(session, controller.principal(Role.SYSTEM), job.id)
        assert (held.state, held.cancel_asked) == ("running", True)
    assert count(controller, Vm) == 1


def test_only_who_may_ask_the_like_may_cancel(controller):
    job = submit(controller, create())
    with pytest.raises(Forbidden), transaction(controller.engine) as session:
        queue.cancel(session, controller.principal(Role.SECURITY), job.id)
    with transaction(controller.engine) as session:
        session.get(Job, job.id).state = "succeeded"
    with pytest.raises(queue.JobOver), transaction(controller.engine) as session:
        queue.cancel(session, controller.principal(Role.SYSTEM), job.id)


def test_the_states_have_one_diagram():
    assert set(WAYS) == set(TEXTS) == set(State)
    assert {"succeeded", "failed", "refused", "cancelled"} == FINAL
    for start in State:
        for end in State:
            job = Job(number=1, state=start)
            if end in WAYS[start]:
                advance(job, end)
                assert job.state == end
                assert over(job) == (end in FINAL)
            else:
                with pytest.raises(WrongState):
                    advance(job, end)


def test_keys_are_remembered_for_a_week(controller, monkeypatch):
    key = queue.Idempotency("k", "d")
    first = submit(controller, ProveGateway(), key=key)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(days=6))
    submit(controller, ProveGateway(), key=queue.Idempotency("k-2", "d"))
    assert submit(controller, ProveGateway(), key=key).id == first.id
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(days=8))
    submit(controller, ProveGateway(), key=queue.Idempotency("k-3", "d"))
    assert submit(controller, ProveGateway(), key=key).id != first.id
