"""Limits of tenants: counted over what is wished, in the transaction that wishes it."""

import threading

import pytest

from appliance import chance
from appliance.errors import NotFound
from controller.actions.base import Role
from controller.actions.placing import NoPlace
from controller.actions.quotas import QuotaExceeded, Usage, check, usage
from controller.actions.vms import CreateVm
from controller.actions.vms_asking import creation, template_id
from controller.actions.vms_shape import ResizeVm
from controller.jobs.queue import submit
from controller.records.cluster import Storage, Tenant
from controller.records.session import transaction
from controller.records.tables import Job, Node, Vm, Volume


def tenant(controller, **limits):
    with transaction(controller.engine) as session:
        session.add(Tenant(name="radiology", created_at="now", **limits))


def asked(name, **more):
    fields = {
        "zone": "extranet",
        "node": "node-1",
        "vcpus": 2,
        "memory_mib": 512,
        "disk_gib": 4,
        "start": False,
    }
    return CreateVm(chance.new_id(), name, **{**fields, "tenant": "radiology", **more})


def ask(controller, action) -> Job:
    with transaction(controller.engine) as session:
        return submit(session, controller.principal(Role.SYSTEM), action)


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        ({"vms": 1}, "virtual machines"),
        ({"vcpus": 3}, "CPUs"),
        ({"memory_mib": 1000}, "memory"),
        ({"disk_gib": 7}, "disk"),
    ],
)
def test_the_limit_says_what_is_used_asked_and_allowed(controller, limits, what):
    tenant(controller, **limits)
    ask(controller, asked("one"))
    with pytest.raises(QuotaExceeded, match=what) as told:
        ask(controller, asked("two"))
    fields = told.value.fields
    assert fields["used"] + fields["asked"] > fields["limit"] == next(iter(limits.values()))
    ask(controller, asked("three", tenant=""))


def test_of_many_that_ask_at_once_none_gets_more_than_there_is(controller):
    tenant(controller, vms=3)
    told = []

    def one(number):
        try:
            ask(controller, asked(f"vm-{number}"))
        except QuotaExceeded:
            told.append("refused")
        else:
            told.append("taken")

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["refused"] * 5 + ["taken"] * 3


def test_a_size_that_is_asked_for_counts_until_its_job_has_ended(controller):
    tenant(controller, vcpus=6)
    action = asked("one")
    made = ask(controller, action)
    done(controller, made)
    job = ask(controller, ResizeVm(action.vm_id, 4, 512))
    with transaction(controller.engine) as session:
        assert usage(session, "radiology") == Usage(1, 4, 512, 4)
    with pytest.raises(QuotaExceeded):
        ask(controller, asked("two", vcpus=3))
    done(controller, job, "failed")
    ask(controller, asked("two", vcpus=3))


def test_data_volumes_count_whether_a_machine_has_them_or_not(controller):
    tenant(controller, disk_gib=10)
    with transaction(controller.engine) as session:
        session.add(Volume(id="x/data", kind="data", path="", tenant="radiology", size_gib=7))
        session.flush()
        check(session, "radiology", Usage(disk_gib=3))
        with pytest.raises(QuotaExceeded):
            check(session, "radiology", Usage(disk_gib=4))
        with pytest.raises(NotFound):
            check(session, "nobody", Usage())


def test_what_is_left_open_is_decided_by_the_box(controller):
    open_fields = {
        "name": "one", "zone": "extranet", "node": "", "vcpus": 1, "memory_mib": 512, "disk_gib": 4,
        "start": False, "storage": "", "template": "guest-base", "apart": "his",
    }  # fmt: skip
    with transaction(controller.engine) as session:
        made = creation(session, chance.new_id(), open_fields)
        assert (made.node, made.storage, made.template_id) == ("node-1", "dir", "")
        session.add(Storage(name="rbd", kind="rbd", state="making"))
        session.flush()
        assert creation(session, chance.new_id(), open_fields).storage == "dir"
        session.get(Storage, "rbd").state = "degraded"
        session.flush()
        assert creation(session, chance.new_id(), open_fields).storage == "rbd"
        made.wish(session, "job")
        session.flush()
        with pytest.raises(NoPlace, match="group his"):
            creation(session, chance.new_id(), open_fields)
        with pytest.raises(NotFound):
            template_id(session, "no-such")
        session.get(Node, "node-1").why = "no route"
        session.flush()
        with pytest.raises(NoPlace, match="no route"):
            creation(session, chance.new_id(), {**open_fields, "apart": ""})


def test_a_machine_remembers_why_it_is_where_it_is(controller):
    action = asked("one", tenant="")
    ask(controller, action)
    with transaction(controller.engine) as session:
        told = session.get(Vm, action.vm_id).placement
    assert (told["node"], told["by"]) == ("node-1", "box")
    assert told["verdicts"][0]["fits"] is True
    assert {"zh", "en"} == set(told["verdicts"][0]["why"][0])


def done(controller, job, state="succeeded"):
    with transaction(controller.engine) as session:
        session.get(Job, job.id).state = state
