"""A module's flows open by two persons: whoever brought exactly this bundle in cannot approve it."""

import hashlib

import pytest

from controller.actions.modules import ApproveModule
from controller.records.session import transaction
from controller.records.tables import Module, Node, Vm
from controller.workers.approvals import Approvals
from controller.workers.bundles import Shelf
from tests.unit.controller.workers.box import Box
from tests.unit.sdk.sample import signed

VM = "0b7f1c1e-9a44-4a52-8f0e-1d6a5f3c2b10"


@pytest.fixture
def box(tmp_path) -> Box:
    (tmp_path / "state").mkdir()
    return Box.new(tmp_path / "state")


@pytest.fixture
def digest(box, tmp_path) -> str:
    """The sample module, verified on the box's shelf and running in a machine, as an install leaves it."""
    path, trust, _key = signed(tmp_path)
    told = hashlib.sha256(path.read_bytes()).hexdigest()
    shelf = Shelf(box.settings)
    shelf.trust(trust.keys[0])
    copy = shelf.path("acme-visit", told)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    with transaction(box.engine) as session:
        session.add(Node(name="n0"))
        session.flush()
        session.add(
            Vm(
                id=VM, name="v", node="n0", zone="extranet", address="10.88.0.10",
                mac="52:54:00:00:00:01", vcpus=1, memory_mib=512, disk_gib=2, wished="running",
                actual="running", job_id="-", created_at="now",
            )
        )  # fmt: skip
        session.flush()
        session.add(
            Module(
                id="acme-visit", version="1.2.3", vendor="acme", summary_zh="", summary_en="",
                digest=told, key="k", vm_id=VM, manifest={}, state="running", job_id="-",
            )
        )  # fmt: skip
    return told


def test_both_persons_are_kept_with_the_approval(box, digest):
    Approvals(box.site).asked("acme-visit", digest, "sam")
    job = box.done("sue", ApproveModule("acme-visit", digest))
    assert job.state == "succeeded", job.error
    (held,) = Approvals(box.site).all()
    assert (held.requester, held.approver) == ("sam", "sue")


def test_who_installed_cannot_approve(box, digest):
    Approvals(box.site).asked("acme-visit", digest, "sue")
    job = box.done("sue", ApproveModule("acme-visit", digest))
    assert (job.state, job.error["code"]) == ("failed", "gateway.same_person")
    assert Approvals(box.site).all() == ()


@pytest.mark.parametrize("asked", [None, "f" * 64])
def test_a_bundle_that_nobody_is_known_to_have_brought_opens_nothing(box, digest, asked):
    if asked:
        Approvals(box.site).asked("acme-visit", asked, "sam")
    job = box.done("sue", ApproveModule("acme-visit", digest))
    assert (job.state, job.error["code"]) == ("failed", "module.requester_unknown")
    assert box.asked == []


def test_a_channel_of_text_stays_when_a_module_is_approved(box, digest):
    box.propose()
    box.approve(1)
    Approvals(box.site).asked("acme-visit", digest, "sam")
    assert box.done("sid", ApproveModule("acme-visit", digest)).state == "succeeded"
    assert set(box.opened()) == {"lab-report"}
