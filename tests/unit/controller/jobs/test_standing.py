"""The worker derives rights anew: a token or grant taken back before a job began counts, a later one too."""

import pytest
from sqlalchemy import update

from appliance import clock
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.actions.rights import Right, Scope
from controller.actions.standing import standing
from controller.actions.vms import StartVm
from controller.jobs.queue import submit
from controller.records.cluster import ApiToken, Grant, Tenant
from controller.records.session import transaction
from controller.records.tables import Account, Node, Vm
from tests.unit.controller.workers.box import Box

VM = "00000000-0000-4000-8000-000000000001"
ASK = StartVm(VM)


@pytest.fixture
def box(tmp_path):
    made = Box.new(tmp_path)
    with transaction(made.engine) as session:
        session.add(Node(name="n0"))
        session.add(Tenant(name="red", created_at="now"))
        session.add(Account(id="ten", name="ten", role="tenant", created_at="now"))
        session.flush()
        session.add(
            Vm(
                id=VM,
                name="one",
                node="n0",
                zone="intranet",
                address="10.66.0.10",
                mac="m",
                vcpus=1,
                memory_mib=256,
                disk_gib=2,
                tenant="red",
                wished="running",
                actual="running",
                job_id="-",
                created_at="now",
            )
        )
    yield made
    made.engine.dispose()


def token(box, owner="sam", **values):
    row = {
        "id": "tok",
        "account_id": owner,
        "name": "ci",
        "token_hash": "-",
        "right": "operate",
        "path": "/tenants/red",
        "created_at": clock.iso(),
        "expires_at": "2999",
    }
    with transaction(box.engine) as session:
        session.add(ApiToken(**{**row, **values}))


def granted(box, right="operate", path="/tenants/red"):
    with transaction(box.engine) as session:
        session.add(
            Grant(id="g", account_id="ten", right=right, path=path, made_by="sue", created_at="now")
        )


def ask(box, who):
    with transaction(box.engine) as session:
        return submit(session, who, ASK).id


def by_token(role=Role.SYSTEM, name="sam"):
    return Principal(
        name, name, role, token="ci", limits=((Scope(Right.OPERATE, "/tenants/red"),),)
    )


def ended(box, job_id):
    box.work()
    job = box.job(job_id)
    return job.state, (job.error or {}).get("code")


REFUSED = ("refused", "job.not_allowed")


def test_a_living_token_and_a_living_grant_are_believed(box):
    token(box)
    granted(box)
    believed = ("failed", "driver.no_such_vm")  # it came as far as the engine, which knows no VM
    assert ended(box, ask(box, by_token())) == believed
    who = Principal("ten", "ten", Role.TENANT, limits=((Scope(Right.OPERATE, "/tenants/red"),),))
    assert ended(box, ask(box, who)) == believed


@pytest.mark.parametrize(
    "values",
    [
        {"revoked_at": "now"},
        {"right": "view"},
        {"path": "/tenants/blue"},
        {"name": "other"},
        {"account_id": "sue"},
        {"created_at": "2999"},
        {"expires_at": "2000"},
    ],
)
def test_a_token_that_changed_before_the_claim_is_refused(box, values):
    token(box)
    job_id = ask(box, by_token())
    with transaction(box.engine) as session:
        session.execute(update(ApiToken).values(**values))
    assert ended(box, job_id) == REFUSED


def test_a_token_of_the_same_name_made_later_does_not_take_over(box):
    token(box)
    job_id = ask(box, by_token())
    with transaction(box.engine) as session:
        session.execute(update(ApiToken).values(revoked_at="now"))
    token(box, id="again", token_hash="+", right="manage", path="/", created_at="2998")
    assert ended(box, job_id) == REFUSED


def test_a_grant_taken_back_before_the_claim_is_refused(box):
    granted(box)
    who = Principal("ten", "ten", Role.TENANT, limits=((Scope(Right.OPERATE, "/tenants/red"),),))
    job_id = ask(box, who)
    with transaction(box.engine) as session:
        session.delete(session.get(Grant, "g"))
    assert ended(box, job_id) == REFUSED


def test_what_the_web_process_believed_of_limits_does_not_count(box):
    """A web process taken over says that the tenant may everything: the worker asks the records."""
    job_id = ask(box, Principal("ten", "ten", Role.TENANT, limits=((Scope(Right.MANAGE, "/"),),)))
    assert ended(box, job_id) == REFUSED


def test_a_disabled_owner_takes_the_token_along(box):
    token(box)
    job_id = ask(box, by_token())
    with transaction(box.engine) as session:
        session.execute(update(Account).where(Account.name == "sam").values(disabled=True))
    assert ended(box, job_id) == REFUSED


def test_a_machine_that_moved_to_another_tenant_is_out_of_reach(box):
    token(box)
    job_id = ask(box, by_token())
    with transaction(box.engine) as session:
        session.execute(update(Vm).values(tenant="blue"))
    assert ended(box, job_id) == REFUSED


def test_standing_of_nobody(box):
    with transaction(box.engine) as session:
        for actor in ("", "/", "nobody", "sam/none", "sam/", "/ci", "sam/ci/more"):
            assert standing(session, actor, clock.iso()) is None
