"""Invented facts of a box of three nodes: storage, volumes, templates, tenants, consoles; some of it in trouble."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from appliance import chance, clock
from controller.actions.consoles import OpenConsole
from controller.actions.principal import Principal
from controller.actions.tenants import SetTenant
from controller.jobs.queue import submit
from controller.jobs.rows import end
from controller.jobs.states import State
from controller.records.cluster import (
    ApiToken,
    ConsoleSession,
    Grant,
    Nic,
    NodeToken,
    OsdDisk,
    Snapshot,
    Storage,
    Template,
    Tenant,
)
from controller.records.tables import Account, Node, Vm, Volume
from tests.browser.invented import NODE, ago, inventory

TENANT = "laboratory"
MIB = 1024 * 400


@dataclass
class Hospital:
    """The machines by name, who asks, and the ids that tests go to."""

    vms: dict[str, str]
    sysadmin: Principal
    ids: dict[str, str] = field(default_factory=dict)


def furnish(session: Session, vms: dict[str, str], sysadmin: Principal) -> dict[str, str]:
    """Add what a box of three nodes has beside what one node has; return the ids by part of an address."""
    hospital = Hospital(vms, sysadmin)
    home = session.get(Node, NODE)
    home.home, home.address, home.seen_at = True, "10.77.0.10", ago(seconds=4)
    home.joined_at = ago(days=30)
    _members(session, home)
    _storage(session)
    _tenant(session, hospital)
    _template(session, hospital)
    _machines(session, hospital)
    _volume(session, hospital)
    _console(session, hospital)
    return hospital.ids


def _members(session: Session, home: Node) -> None:
    facts = inventory().as_dict()
    for number, (state, why) in enumerate(
        (("active", None), ("maintenance", "connection timed out")), 2
    ):
        session.add(
            Node(
                name=f"node{number}", state=state, why=why, address=f"10.77.0.{9 + number}",
                facts=facts | {"name": f"node{number}"}, facts_at=ago(hours=3), accelerator="tcg",
                joined_at=ago(days=29), seen_at=ago(seconds=5 if why is None else 700),
            )
        )  # fmt: skip
    session.add(
        NodeToken(
            id=chance.new_id(), secret_hash="ab" * 32, name="node3", replaces=True,
            made_by="sysadmin", made_at=ago(minutes=8), expires_at=ago(minutes=-52),
        )
    )  # fmt: skip
    session.flush()


def _storage(session: Session) -> None:
    session.add(Storage(name="dir", kind="dir", since=ago(days=30), facts_at=ago(seconds=8),
        facts={"capacity": 440_000, "used": 61_000, "ceiling": 374_000}))  # fmt: skip
    needs = [
        {
            "code": "storage.disk_failed",
            "zh": "磁盘 node3:/dev/sdb 故障：请更换",
            "en": "The disk node3:/dev/sdb has failed: replace it",
        }
    ]
    checks = [{"code": "OSD_DOWN", "summary": "1 osds down", "muted": False}]
    session.add(Storage(name="rbd", kind="rbd", state="degraded", since=ago(minutes=12),
        facts_at=ago(seconds=6), facts={"capacity": MIB, "used": MIB * 55 // 100,
        "ceiling": MIB * 85 // 100, "repair_seconds": 840, "needs": needs, "checks": checks,
        "health": "HEALTH_WARN", "rate": 1}))  # fmt: skip
    for number in (1, 2, 3):
        path = "/dev/sdc"
        session.add(OsdDisk(id=f"node{number}:{path}", node=f"node{number}", path=path,
            serial=f"S000000010{number}", size_mib=MIB, osd=number - 1, since=ago(minutes=12),
            state="failed" if number == 3 else "in", job_id=chance.new_id()))  # fmt: skip


def _tenant(session: Session, hospital: Hospital) -> None:
    limits = SetTenant(name=TENANT, vms=4, vcpus=8, memory_mib=4096, disk_gib=20)
    session.add(Tenant(name=TENANT, vms=limits.vms, vcpus=limits.vcpus,
        memory_mib=limits.memory_mib, disk_gib=limits.disk_gib, created_at=ago(days=3)))  # fmt: skip
    session.flush()
    account = session.query(Account).filter_by(name="labdept").one()
    grant = Grant(id=chance.new_id(), account_id=account.id, right="manage",
        path=f"/tenants/{TENANT}", made_by="secadmin", created_at=ago(days=2))  # fmt: skip
    session.add(grant)
    owner = session.query(Account).filter_by(name="sysadmin").one()
    session.add(ApiToken(id=chance.new_id(), account_id=owner.id, name="monitor",
        token_hash="cd" * 32, right="view", path="/", created_at=ago(days=2),
        expires_at=clock.iso(clock.now().replace(year=clock.now().year + 1)), used_at=ago(minutes=3)))  # fmt: skip
    hospital.ids["grant_id"] = grant.id


def _template(session: Session, hospital: Hospital) -> None:
    row = Template(id=chance.new_id(), name="debian-13", version="2026.11", source="upload",
        digest="5f" * 32, signer="box", signature="-", format="qcow2", boot="disk",
        size_mib=8192, state="ready", checked_at=ago(hours=5), job_id=chance.new_id(),
        created_at=ago(days=2))  # fmt: skip
    session.add(row)
    session.flush()
    hospital.ids["template_id"] = row.id


def _machines(session: Session, hospital: Hospital) -> None:
    """The reports machine belongs to the laboratory, lies in rbd, has parts, and was tampered with."""
    vm = session.get(Vm, hospital.vms["reports-1"])
    vm.tenant, vm.storage, vm.node, vm.apart = TENANT, "rbd", "node2", "reports"
    vm.wished = vm.actual = "running"
    vm.agent, vm.actual_at = True, ago(seconds=9)
    vm.drift = {
        "memory_mib": [1024, 2048],
        "disks": [["system", "seed"], ["system", "seed", "usb0"]],
    }
    vm.pending = {"vcpus": [2, 1]}
    verdicts = [
        {
            "node": NODE,
            "fits": True,
            "why": [{"zh": "剩余内存 26 GiB", "en": "26 GiB of memory left"}],
        },
        {
            "node": "node2",
            "fits": True,
            "why": [{"zh": "剩余内存 28 GiB，最空", "en": "28 GiB left, least full"}],
        },
        {"node": "node3", "fits": False, "why": [{"zh": "维护中", "en": "in maintenance"}]},
    ]
    vm.placement = {"node": "node2", "by": "box", "verdicts": verdicts, "warnings": [
        {"zh": "再坏一个节点，内存将不够", "en": "with one more node gone memory runs short"}]}  # fmt: skip
    session.add(Nic(id=chance.new_id(), vm_id=vm.id, zone=vm.zone, address="10.66.0.150",
        mac="52:54:00:66:00:96", position=1, state="present", job_id="-"))  # fmt: skip
    kept = Snapshot(id=chance.new_id(), vm_id=vm.id, name="before-update", frozen=True, state="ready",
        volumes=[f"{vm.id}/system"], job_id="-", created_at=ago(hours=6))  # fmt: skip
    session.add(kept)
    hospital.ids["snapshot_id"] = kept.id
    for volume in session.query(Volume).filter_by(vm_id=vm.id):
        volume.storage = "rbd"
    session.flush()


def _volume(session: Session, hospital: Hospital) -> None:
    volume_id = chance.new_id()
    session.add(Volume(id=f"{volume_id}/data", vm_id=hospital.vms["reports-1"], kind="data",
        path=f"hbox/{volume_id}.data", name="lab-results", storage="rbd", size_gib=15,
        serial=volume_id[:20], tenant=TENANT, created_at=ago(days=1)))  # fmt: skip
    hospital.ids["volume_id"] = volume_id


def _console(session: Session, hospital: Hospital) -> None:
    vm_id = hospital.vms["appointment-1"]
    asked = submit(session, hospital.sysadmin, OpenConsole(vm_id, chance.new_id(), "screen"))
    end(session, asked, State.SUCCEEDED, None)
    for state, kind, minutes in (("open", "screen", 2), ("closed", "serial", 90)):
        row = ConsoleSession(id=chance.new_id(), vm_id=vm_id, vm_name="appointment-1",
            account="sysadmin", kind=kind, state=state, job_id=asked.id,
            asked_at=ago(minutes=minutes), opened_at=ago(minutes=minutes), peer="10.77.0.1",
            closed_at=None if state == "open" else ago(minutes=60), bytes_in=5120,
            bytes_out=7 * 2**20, why="" if state == "open" else "查看者离开 the viewer left")  # fmt: skip
        session.add(row)
        hospital.ids["session_id"] = row.id
