"""Actions: the table is whole, fields are strict on both sides, wishes can be taken back."""

import dataclasses

import pytest
from sqlalchemy import select

from appliance import chance, clock
from appliance.errors import BadInput, BoxError, Conflict
from appliance.signing import SigningKey
from controller.actions import ACTIONS
from controller.actions.accounts import (
    AddAccount,
    DisableAccount,
    LastAdministrator,
    ResetAccount,
    UnlockAccount,
)
from controller.actions.addresses import ZoneFull, free_address
from controller.actions.base import Action, Role
from controller.actions.channels import RejectChange
from controller.actions.modules import (
    ApproveModule,
    InstallModule,
    OtherBundle,
    RemoveModule,
    TrustVendor,
)
from controller.actions.signatures import ImportSignatures
from controller.actions.vms import CreateVm, DeleteVm, StartVm, StopVm, VmInUse
from controller.records.session import reading, transaction
from controller.records.tables import Account, Login, Module, RecoveryCode, VendorKey, Vm

VM = chance.new_id()
DIGEST = "a" * 64


def sample(kind: type[Action]) -> Action:
    values = {
        "vm_id": VM, "account_id": VM, "name": "some-name", "zone": "intranet", "node": "node-1",
        "vcpus": 1, "memory_mib": 512, "disk_gib": 4, "start": True, "force": False,
        "vendor": "acme" if kind is TrustVendor else "", "role": "auditor",
        "pem": SigningKey.new().public.pem.decode(), "ids": "acme-*, other", "module_id": "acme-one",
        "upload": f"{VM}.hmod", "digest": DIGEST,
        "number": 7, "part": "message", "clear": False, "reason": "a complaint to look into",
        "op": "change", "channel": "lab-report", "base": 1, "text": "id = 1", "hours": 24,
        "comment": "", "delivery": VM, "address": "10.66.0.20", "tls": "tls", "request": "pem",
        "session_id": VM, "what": "screen", "public_key": DIGEST, "wanted": "{}", "day": "2026-11-21", "alert_id": VM,
        "tenant": "", "storage": "dir", "template_id": VM, "apart": "", "user_data": "",
        "factor": True, "nic_id": VM, "snapshot_id": VM, "origin": VM, "full": False,
        "volume_id": VM, "gib": 4, "snapshot": "before", "source": "rbd", "source_node": "",
        "version": "1", "boot": "disk", "token_id": VM, "dry": False, "moves": "{}",
        "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43,
        "nodes": "node-1,node-2,node-3", "path": "/dev/sdb", "disk": "node-1:/dev/sdb",
        "disks": "node-1:/dev/sdb,node-2:/dev/sdb,node-3:/dev/sdb", "vms": 3,
        "grant_id": VM, "account": "some-name", "right_given": "view",
        "paper_id": VM, "item": "8.1.1.1.a", "subject": "person:site", "verdict": "conform",
        "record": "seen", "review_by": "2027-01-01", "expires": "2027-01-01", "attachments": "[]",
        "measure": "watched", "of_kind": "boundary", "maker": "", "applies_to": "[]",
        "ref": "boundary:fw-1", "key": "hbox-2025-1.partial", "value": "half", "days": 7, "hour": 3,
        "remedies": "faillock,usb_storage", "mended": VM, "seconds": 120,
    }  # fmt: skip
    if kind is ImportSignatures:
        values["name"] = "daily.cvd"
    if kind.kind == "template.import":
        values["upload"] = f"{VM}.img"
    if kind.kind == "compliance.object.set":
        values |= {"what": "a firewall", "place": ""}
    if kind.kind.endswith(".withdraw"):
        values["comment"] = "no"
    if kind is RejectChange:
        values["comment"] = "no"
    if kind.kind.startswith("grant."):
        values["path"] = "/tenants/some-name"
    return kind(**{f.name: values[f.name] for f in dataclasses.fields(kind)})


def with_vm(controller, **more) -> str:
    action = CreateVm(
        chance.new_id(), more.pop("name", "web-1"), "extranet", "node-1", 1, 512, 4, True
    )
    with transaction(controller.engine) as session:
        action.wish(session, "job-1")
        session.flush()
        vm = session.get(Vm, action.vm_id)
        vm.actual = "running"
        for name, value in more.items():
            setattr(vm, name, value)
    return action.vm_id


def with_module(controller, vm_id, state="running") -> None:
    now = clock.iso()
    with transaction(controller.engine) as session:
        session.add(
            Module(
                id="acme-one", version="1.0.0", vendor="acme", summary_zh="", summary_en="",
                digest=DIGEST, key="k", vm_id=vm_id, manifest={}, state=state, job_id="j",
                installed_at=now,
            )
        )  # fmt: skip


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_each_action_goes_through_its_row_and_back(name):
    kind = ACTIONS[name]
    assert kind.kind == name
    assert kind.roles
    action = sample(kind)
    assert kind.from_json(action.as_json()) == action
    assert 1 <= action.object.count("/") <= 2  # a volume is called OWNER/KIND
    assert action.locks()
    title = action.title()
    assert title.zh
    assert title.en
    assert "{" not in title.zh + title.en


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_rows_with_other_fields_are_refused(name):
    kind = ACTIONS[name]
    row = sample(kind).as_json()
    wrong = [{**row, "extra": 1}]
    for key, value in row.items():
        wrong.append({k: v for k, v in row.items() if k != key})
        wrong += [
            {**row, key: bad}
            for bad in (
                None,
                [],
                {},
                1.5,
                not value
                if isinstance(value, int) and not isinstance(value, bool)
                else 3
                if not isinstance(value, int)
                else "x",
            )
        ]
    for one in wrong:
        with pytest.raises(BadInput):
            kind.from_json(one)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Web"), ("name", "-a"), ("name", "a" * 40), ("name", "a\n"), ("name", "a;reboot"),
        ("zone", "management"), ("vm_id", "../x"), ("vcpus", 0), ("vcpus", 65), ("memory_mib", 1),
        ("disk_gib", 1), ("node", "a b"), ("node", "-x"),
    ],
)  # fmt: skip
def test_fields_that_can_never_be_right_are_refused(field, value):
    row = sample(CreateVm).as_json() | {field: value}
    with pytest.raises(BadInput):
        CreateVm.from_json(row)


def test_every_pair_of_administrators_shares_no_write():
    """System, security and audit exclude each other but for looking, proving and taking note."""
    shared = {
        "gateway.prove", "compliance.run", "gateway.change.try", "gateway.look", "gateway.export",
        "gateway.report", "gateway.alert.ack", "template.check",
        # Stating what one knows and taking it back; what makes it count is the audit administrator's alone.
        "compliance.answer", "compliance.waiver.ask", "compliance.answer.withdraw",
        "compliance.waiver.withdraw",
        # Bringing a node back to the state that the box itself lays down, and taking that back: security asks
        # for it, and who configures nodes does the same by node.configure.
        "compliance.mend.plan", "compliance.mend", "compliance.undo",
    }  # fmt: skip
    for kind in ACTIONS.values():
        administrators = kind.roles & {Role.SYSTEM, Role.SECURITY, Role.AUDIT}
        assert len(administrators) == 1 or kind.kind in shared
        assert Role.VENDOR not in kind.roles


def test_addresses_are_the_lowest_free_and_end(controller):
    made = [
        CreateVm(chance.new_id(), f"vm-{n}", "extranet", "node-1", 1, 512, 4, True)
        for n in range(190)
    ]
    with transaction(controller.engine) as session:
        for action in made[:3]:
            action.wish(session, "j")
            session.flush()
        assert free_address(session, "extranet") == "10.88.0.13"
        assert free_address(session, "intranet") == "10.66.0.10"
        session.delete(session.get(Vm, made[1].vm_id))
        session.flush()
        assert free_address(session, "extranet") == "10.88.0.11"
        for action in (made[1], *made[3:]):
            action.wish(session, "j")
            session.flush()
        with pytest.raises(ZoneFull):
            free_address(session, "extranet")


def test_create_takes_its_wish_back_only_while_nothing_is_there(controller):
    action = CreateVm(chance.new_id(), "web-1", "extranet", "node-1", 1, 512, 4, True)
    with transaction(controller.engine) as session:
        action.wish(session, "job-1")
        session.flush()
        action.ready(session, "job-1")
        with pytest.raises(Conflict):
            action.ready(session, "job-2")
        action.forget(session, "job-2")
        session.flush()
        assert session.get(Vm, action.vm_id)
        session.get(Vm, action.vm_id).vcpus = 64
        with pytest.raises(Conflict):
            action.ready(session, "job-1")
        action.forget(session, "job-1")
        session.flush()
        assert session.get(Vm, action.vm_id) is None
        action.forget(session, "job-1")


def test_a_later_wish_outlives_an_earlier_one(controller):
    vm_id = with_vm(controller)
    with transaction(controller.engine) as session:
        StopVm(vm_id, force=False).wish(session, "stop")
        StartVm(vm_id).wish(session, "start")
        StopVm(vm_id, force=False).forget(session, "stop")
        assert session.get(Vm, vm_id).wished == "running"
        StopVm(vm_id, force=True).wish(session, "stop-2")
        StopVm(vm_id, force=True).forget(session, "stop-2")
        assert session.get(Vm, vm_id).wished == "running"


def test_a_machine_with_a_module_is_not_deleted(controller):
    vm_id = with_vm(controller)
    with_module(controller, vm_id)
    with reading(controller.engine) as session:
        for ask in (DeleteVm(vm_id).check, lambda s: DeleteVm(vm_id).ready(s, "j")):
            with pytest.raises(VmInUse):
                ask(session)


def test_approval_is_of_exactly_the_bundle_that_was_looked_at(controller):
    vm_id = with_vm(controller)
    with_module(controller, vm_id)
    with reading(controller.engine) as session:
        ApproveModule("acme-one", DIGEST).check(session)
        with pytest.raises(OtherBundle):
            ApproveModule("acme-one", "b" * 64).ready(session, "j")


def test_install_wants_a_free_running_machine(controller):
    vm_id = with_vm(controller)
    action = InstallModule("acme-one", vm_id, f"{VM}.hmod", DIGEST)
    with transaction(controller.engine) as session:
        action.check(session)
        session.get(Vm, vm_id).wished = "stopped"
        with pytest.raises(Conflict):
            action.check(session)
    with_module(controller, vm_id)
    with reading(controller.engine) as session, pytest.raises(Conflict) as caught:
        action.ready(session, "j")
    assert caught.value.code == "module.installed"


def test_removing_a_module_can_be_taken_back(controller):
    with_module(controller, with_vm(controller))
    action = RemoveModule("acme-one")
    with transaction(controller.engine) as session:
        action.check(session)
        action.wish(session, "j")
        action.ready(session, "j")
        with pytest.raises(Conflict):
            action.check(session)
        action.forget(session, "j")
        assert session.get(Module, "acme-one").state == "running"


def test_a_trusted_key_is_not_trusted_again(controller):
    action = sample(TrustVendor)
    assert action.id_list == ["acme-*", "other"]
    with transaction(controller.engine) as session:
        action.check(session)
        session.add(
            VendorKey(
                fingerprint=action.fingerprint, vendor="x", pem="", ids=[], added_by="", added_at=""
            )
        )
        session.flush()
        with pytest.raises(BoxError) as caught:
            action.check(session)
    assert caught.value.code == "module.key_trusted"


def test_the_last_administrator_of_a_role_stays(controller):
    with transaction(controller.engine) as session:
        with pytest.raises(LastAdministrator):
            DisableAccount("audadmin").check(session)
        second = AddAccount(chance.new_id(), "aud-two", "audit", "")
        second.wish(session, "j")
        session.flush()
        second.ready(session, "j")
        DisableAccount("audadmin").check(session)
        DisableAccount("audadmin").wish(session, "j")
        assert session.scalar(select(Account).where(Account.name == "audadmin")).disabled


def test_nobody_unlocks_or_resets_themselves(controller):
    with transaction(controller.engine) as session:
        for action in (UnlockAccount("secadmin"), ResetAccount("secadmin", factor=True)):
            assert not controller.principal(Role.SECURITY).may(session, action)
            assert not controller.principal(Role.SYSTEM).may(session, action)
        for action in (UnlockAccount("sysadmin"), ResetAccount("sysadmin", factor=False)):
            assert controller.principal(Role.SECURITY).may(session, action)


def test_a_reset_shuts_out_at_once_and_a_disabled_account_stays_shut(controller):
    with transaction(controller.engine) as session:
        account = session.scalar(select(Account).where(Account.name == "sysadmin"))
        account.factor_secret, account.factor_at, account.failed = "sealed", "now", 3
        session.add(
            Login(token_hash="t", account_id=account.id, csrf="c", began_at="x", seen_at="x")
        )
        session.add(RecoveryCode(code_hash="h", account_id=account.id))
        session.flush()
        ResetAccount("sysadmin", factor=False).wish(session, "j")
        assert (account.code_hash, account.password_hash, account.failed) == (None, None, 0)
        assert account.factor_secret == "sealed"
        assert session.scalar(select(Login)) is None
        ResetAccount("sysadmin", factor=True).wish(session, "j")
        assert (account.factor_secret, account.factor_at) == (None, None)
        assert session.scalar(select(RecoveryCode)) is None
        account.disabled = True
        for action in (UnlockAccount("sysadmin"), ResetAccount("sysadmin", factor=True)):
            with pytest.raises(BoxError) as caught:
                action.check(session)
            assert caught.value.code == "account.disabled"


def test_an_account_that_can_be_used_is_neither_made_again_nor_forgotten(controller):
    with transaction(controller.engine) as session:
        pending = session.scalar(select(Account).where(Account.name == "secadmin"))
        forged = AddAccount(pending.id, "secadmin", "security", "")
        with pytest.raises(Conflict):
            forged.ready(session, "j")
        forged.forget(session, "j")
        fresh = AddAccount(chance.new_id(), "carol", "auditor", "")
        fresh.wish(session, "j")
        session.flush()
        fresh.ready(session, "j")
        fresh.forget(session, "j")
        session.flush()
        names = set(session.scalars(select(Account.name)))
    assert names == {"sysadmin", "secadmin", "audadmin"}


@pytest.mark.parametrize(("role", "vendor"), [("vendor", ""), ("auditor", "acme"), ("root", "")])
def test_accounts_have_one_known_role(role, vendor):
    with pytest.raises(BadInput):
        AddAccount(chance.new_id(), "carol", role, vendor)
