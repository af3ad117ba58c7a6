"""Tenants and grants through the worker: set, lowered, refused while in use, given, taken back at once."""

import pytest

from appliance import chance
from appliance.errors import BoxError
from controller.actions.base import Role
from controller.actions.grants import AddGrant, RemoveGrant
from controller.actions.principal import Principal
from controller.actions.tenants import RemoveTenant, SetTenant
from controller.jobs.queue import cancel
from controller.records import tenants
from controller.records.cluster import Grant, Tenant
from controller.records.session import reading, transaction
from controller.records.tables import Account, Node, Vm, Volume
from tests.unit.controller.workers.box import Box


@pytest.fixture
def box(tmp_path):
    made = Box.new(tmp_path)
    with transaction(made.engine) as session:
        session.add(Node(name="n0"))
        session.add(Account(id="ten", name="ten", role="tenant", created_at="now"))
    yield made
    made.engine.dispose()


def tenant(box, name="red"):
    with reading(box.engine) as session:
        return session.get(Tenant, name)


def add(path="/tenants/red", right="operate", account="ten"):
    return AddGrant(chance.new_id(), account, right, path)


def grants(box):
    with reading(box.engine) as session:
        return [(row.right, row.path, owner) for row, owner in tenants.grants(session)]


def test_a_tenant_is_made_and_set_and_its_version_counts_changes(box):
    assert box.done("sam", SetTenant("red", 3, 8, 4096, 100)).state == "succeeded"
    assert (tenant(box).vms, tenant(box).disk_gib, tenant(box).version) == (3, 100, 1)
    box.done("sam", SetTenant("red", 3, 8, 4096, 100))
    assert tenant(box).version == 1
    box.done("sam", SetTenant("red", 0, 8, 4096, 100))
    assert (tenant(box).vms, tenant(box).version) == (0, 2)


def test_usage_counts_what_is_wished_and_every_data_volume(box):
    box.done("sam", SetTenant("red", 0, 0, 0, 0))
    with transaction(box.engine) as session:
        for n, wished in enumerate(("running", "stopped", "absent")):
            session.add(
                Vm(
                    id=f"v{n}",
                    name=f"v{n}",
                    node="n0",
                    zone="intranet",
                    address=f"10.66.0.{n}",
                    mac=f"m{n}",
                    vcpus=2,
                    memory_mib=256,
                    disk_gib=4,
                    tenant="red",
                    wished=wished,
                    actual="absent",
                    job_id="-",
                    created_at="now",
                )
            )
        session.flush()
        session.add(Volume(id="d/data", kind="data", path="-", size_gib=7, tenant="red"))
        session.add(
            Volume(id="v0/system", vm_id="v0", kind="system", path="-", size_gib=4, tenant="red")
        )
        assert tenants.usage(session) == {"red": tenants.Usage(2, 4, 512, 15)}


@pytest.mark.parametrize("what", ["vm", "volume", "grant"])
def test_a_tenant_in_use_is_not_removed(box, what):
    box.done("sam", SetTenant("red", 0, 0, 0, 0))
    with transaction(box.engine) as session:
        if what == "vm":
            session.add(
                Vm(
                    id="v",
                    name="v",
                    node="n0",
                    zone="intranet",
                    address="10.66.0.9",
                    mac="m",
                    vcpus=1,
                    memory_mib=256,
                    disk_gib=4,
                    tenant="red",
                    wished="stopped",
                    actual="stopped",
                    job_id="-",
                    created_at="now",
                )
            )
        elif what == "volume":
            session.add(Volume(id="d/data", kind="data", path="-", tenant="red"))
    if what == "grant":
        box.done("sue", add())
    with pytest.raises(BoxError) as caught:
        box.ask("sam", RemoveTenant("red"))
    assert caught.value.code == "tenant.in_use"


def test_what_came_to_belong_to_a_tenant_while_its_removal_waited_keeps_it(box):
    box.done("sam", SetTenant("red", 0, 0, 0, 0))
    job_id = box.ask("sam", RemoveTenant("red"))
    with transaction(box.engine) as session:
        session.add(Volume(id="d/data", kind="data", path="-", tenant="red"))
    box.work()
    assert box.job(job_id).error["code"] == "tenant.in_use"
    assert tenant(box) is not None


def test_an_empty_tenant_is_removed(box):
    box.done("sam", SetTenant("red", 0, 0, 0, 0))
    assert box.done("sam", RemoveTenant("red")).state == "succeeded"
    assert tenant(box) is None
    with pytest.raises(BoxError):
        box.ask("sam", RemoveTenant("red"))


def test_a_grant_is_given_and_taken_back_at_once(box):
    box.done("sam", SetTenant("red", 0, 0, 0, 0))
    given = add()
    assert box.done("sue", given).state == "succeeded"
    assert grants(box) == [("operate", "/tenants/red", "ten")]
    with reading(box.engine) as session:
        assert session.get(Grant, given.grant_id).made_by == "sue"
    back = RemoveGrant(given.grant_id, "ten", "operate", "/tenants/red")
    job_id = box.ask("sue", back)
    assert grants(box) == []  # before any worker saw it
    box.work()
    assert box.job(job_id).state == "succeeded"


def test_a_withdrawal_that_is_cancelled_does_not_give_the_right_back(box):
    box.done("sam", SetTenant("red", 0, 0, 0, 0))
    given = add()
    box.done("sue", given)
    job_id = box.ask("sue", RemoveGrant(given.grant_id, "ten", "operate", "/tenants/red"))
    with transaction(box.engine) as session:
        cancel(session, Principal("sue", "sue", Role.SECURITY), job_id)
    assert grants(box) == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (lambda: add(account="nobody"), "object.not_found"),
        (lambda: add(account="sam"), "input.bad"),
        (lambda: add(path="/tenants/blue"), "object.not_found"),
        (lambda: add(path="/tenants/../red"), "input.bad"),
        (lambda: add(path=f"/vms/{chance.new_id()}"), "object.not_found"),
        (lambda: add(right="root"), "input.bad"),
        (lambda: RemoveGrant(chance.new_id(), "ten", "view", "/"), "object.not_found"),
    ],
)
def test_grants_that_mean_nothing_are_refused(box, wanted, code):
    with pytest.raises(BoxError) as caught:
        box.ask("sue", wanted())
    assert caught.value.code == code


def test_a_second_grant_on_the_same_path_is_refused(box):
    box.done("sam", SetTenant("red", 0, 0, 0, 0))
    box.done("sue", add(right="view"))
    with pytest.raises(BoxError) as caught:
        box.ask("sue", add(right="manage"))
    assert caught.value.code == "grant.there_already"


@pytest.mark.parametrize("who", ["sam", "aud"])
def test_only_the_security_administrator_grants(box, who):
    with pytest.raises(BoxError) as caught:
        box.ask(who, add(path="/"))
    assert caught.value.code == "auth.forbidden"
