"""A small hospital in the records: made through the product's own actions, queue and report builder.

What a worker would do on a real box (steps, outcomes, transfers, health) is written as it writes it;
everything here is invented and the node is called node1.
"""

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from appliance import chance, clock
from appliance.sdk import manifest
from appliance.secret import Secret
from appliance.settings import Settings
from appliance.signing import SigningKey
from compliance import report
from compliance.catalogue import load
from compliance.findings import findings
from compliance.model import Subject
from compliance.run import INSPECTED, Order, Run
from controller.access import factors, people
from controller.access.passwords import hashed
from controller.actions.accounts import AddAccount
from controller.actions.base import Action, Role
from controller.actions.compliance import RunCompliance
from controller.actions.gateway import ProveGateway
from controller.actions.modules import ApproveModule, InstallModule, TrustVendor
from controller.actions.nodes import InspectNode
from controller.actions.principal import Principal
from controller.actions.vms import CreateVm, StopVm
from controller.jobs.queue import submit
from controller.jobs.rows import end
from controller.jobs.states import State
from controller.records.exchange import Proof
from controller.records.migrate import upgrade
from controller.records.session import open_records, transaction
from controller.records.tables import (
    Account,
    ComplianceRun,
    Job,
    JobLine,
    JobStep,
    Module,
    Node,
    VendorKey,
    Vm,
    Volume,
)
from tests.browser import cluster, traffic
from tests.browser.invented import NODE, ago, inventory, outcomes

ROOT = Path(__file__).resolve().parents[2]
CODES = {"meditech": "vendor", "assessor": "auditor", "labdept": "tenant"}
CREATE_STEPS = (
    ("volume", "建立系统盘", "Make the system disk", 0.8),
    ("seed", "写入初始化数据", "Write the seed", 0.5),
    ("define", "登记虚拟机", "Define the machine", 0.3),
    ("start", "启动", "Start it", 1.1),
    ("agent", "等待客户机代理应答", "Wait for the guest agent", 47.0),
    ("record", "记录实际状态", "Record its actual state", 0.1),
)


@dataclass
class Hospital:
    """Where it is, the one-time codes by account name, and ids that tests go to."""

    settings: Settings
    engine: Engine
    codes: dict[str, str] = field(default_factory=dict)
    vms: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    run: str = ""
    look: str = ""
    export: str = ""


def blank(state: Path, *, port: int = 8443, second_factor: str = "optional") -> Hospital:
    """A box right after its first boot: administrators and a node, nothing else."""
    more = {"console_port": port, "screen_port": port + 3, "second_factor": second_factor}
    settings = Settings(state / "state", state / "run", **more)
    for folder in ("db", "uploads", "reports", "audit"):
        (settings.state / folder).mkdir(parents=True)
    factors.lock(settings).ensure()
    settings.run.mkdir()
    upgrade(settings.database)
    hospital = Hospital(settings, open_records(settings.database))
    with transaction(hospital.engine) as session:
        hospital.codes = {n: c.reveal() for n, c in people.ensure_administrators(session).items()}
        session.add(Node(name=NODE))
    return hospital


def furnished(state: Path, *, port: int = 8443) -> Hospital:
    """A box with the sample line installed, traffic, a proof, a compliance run and some trouble."""
    hospital = blank(state, port=port)
    with transaction(hospital.engine) as session:
        _people(session, hospital)
        _node(session)
        _machines(session, hospital)
        _modules(session, hospital)
        traffic.transfers(session)
        _proof(session)
        _supervision(session, hospital)
        traffic.change(session)
        _inspection(session, hospital)
        _work_in_hand(session, hospital)
        hospital.ids = cluster.furnish(session, hospital.vms, principal(session, Role.SYSTEM))
    return hospital


def principal(session: Session, role: Role) -> Principal:
    account = session.query(Account).filter_by(role=str(role)).first()
    return Principal(account.id, account.name, role, account.vendor or "", "console 10.77.0.1")


def ask(session: Session, role: Role, action: Action) -> Job:
    return submit(session, principal(session, role), action)


def _finish(
    session: Session,
    job: Job,
    steps: tuple[tuple[str, str, str, float], ...] = (("do", "执行", "Carry it out", 1.4),),
    *,
    ago: dt.timedelta = dt.timedelta(hours=2),
    lines: tuple[str, ...] = (),
    result: dict[str, str] | None = None,
) -> None:
    began = clock.now() - ago
    for position, (key, zh, en, seconds) in enumerate(steps):
        session.add(
            JobStep(
                job_id=job.id,
                position=position,
                key=key,
                title_zh=zh,
                title_en=en,
                state="done",
                started_at=clock.iso(began),
                seconds=seconds,
            )
        )
    took = sum(step[3] for step in steps)
    for number, line in enumerate(lines):
        at = clock.iso(began + dt.timedelta(seconds=number * took / max(len(lines), 1)))
        session.add(JobLine(job_id=job.id, at=at, line=line))
    job.created_at, job.started_at, job.result = clock.iso(began), clock.iso(began), result
    end(session, job, State.SUCCEEDED, None)
    job.finished_at = clock.iso(began + dt.timedelta(seconds=took))


def _people(session: Session, hospital: Hospital) -> None:
    for name, role in CODES.items():
        vendor = "meditech" if role == "vendor" else ""
        action = AddAccount(account_id=chance.new_id(), name=name, role=role, vendor=vendor)
        _finish(session, ask(session, Role.SECURITY, action), ago=dt.timedelta(days=1))
        code = chance.spoken_code()
        account = session.get(Account, action.account_id)
        account.code_hash = hashed(Secret(code))
        hospital.codes[name] = code


def _node(session: Session) -> None:
    _finish(session, ask(session, Role.SYSTEM, InspectNode(node=NODE)), ago=dt.timedelta(hours=20))
    node = session.get(Node, NODE)
    node.facts, node.facts_at, node.accelerator = inventory().as_dict(), ago(hours=20), "tcg"


def _machines(session: Session, hospital: Hospital) -> None:
    wanted = (
        ("appointment-1", "extranet", 512),
        ("his-standin-1", "intranet", 512),
        ("reports-1", "intranet", 1024),
    )
    for hours, (name, zone, memory) in enumerate(wanted, 2):
        vm_id = chance.new_id()
        action = CreateVm(vm_id, name, zone, NODE, 1, memory, 4, True)
        job = ask(session, Role.SYSTEM, action)
        steps = tuple((k, z, e, round(s * (0.9 + hours / 20), 2)) for k, z, e, s in CREATE_STEPS)
        lines = (
            f"linked clone of guest-base made: {vm_id}-system.qcow2",
            "seed written: static address, no gateway, no password login",
            "domain defined and started (TCG)",
            "guest agent answers",
        )
        _finish(
            session, job, steps, ago=dt.timedelta(hours=hours), lines=lines, result={"vm": vm_id}
        )
        vm = session.get(Vm, vm_id)
        vm.actual, vm.actual_at, vm.agent = "running", ago(seconds=20), True
        for kind, end_ in (("system", "system.qcow2"), ("seed", "seed.iso")):
            path = f"/var/lib/hbox/volumes/{vm_id}-{end_}"
            session.add(Volume(id=f"{vm_id}-{kind}", vm_id=vm_id, kind=kind, path=path))
        hospital.vms[name] = vm_id
    stop = ask(session, Role.SYSTEM, StopVm(hospital.vms["reports-1"], force=False))
    _finish(session, stop, ago=dt.timedelta(hours=1))
    session.get(Vm, hospital.vms["reports-1"]).actual = "stopped"


def _modules(session: Session, hospital: Hospital) -> None:
    key = SigningKey.new().public
    trust = TrustVendor("meditech", key.pem.decode(), "appointment,his-standin")
    _finish(session, ask(session, Role.SECURITY, trust), ago=dt.timedelta(hours=2))
    session.add(
        VendorKey(
            fingerprint=key.fingerprint,
            vendor="meditech",
            pem=key.pem.decode(),
            ids=trust.id_list,
            added_by="secadmin",
            added_at=ago(hours=2),
        )
    )
    for name, simulated in (("appointment", False), ("his-standin", True)):
        source = ROOT / "appliance" / "modules" / name / "module.toml"
        held = manifest.parse(source.read_bytes())
        action = InstallModule(
            name, hospital.vms[f"{name}-1"], f"{chance.new_id()}.hmod", "ab" * 32
        )
        _finish(session, ask(session, Role.SYSTEM, action), ago=dt.timedelta(minutes=100))
        session.add(
            Module(
                id=name,
                version=held.version,
                vendor="meditech",
                summary_zh=held.module.summary.zh,
                summary_en=held.module.summary.en,
                simulated=simulated,
                digest="ab" * 32,
                key=key.fingerprint,
                vm_id=action.vm_id,
                manifest=held.model_dump(mode="json", by_alias=True),
                state="running",
                health={"ok": True, "status": 200, "body": {"status": "ok"}},
                health_at=ago(seconds=25),
                job_id=chance.new_id(),
                installed_at=ago(minutes=99),
            )
        )
        session.flush()
    job = ask(session, Role.SECURITY, ApproveModule("appointment", "ab" * 32))
    _finish(session, job, ago=dt.timedelta(minutes=95))
    module = session.get(Module, "appointment")
    module.approved_by, module.approved_at = "secadmin", ago(minutes=95)


def _proof(session: Session) -> None:
    ways = (
        "tcp4",
        "udp4",
        "tcp6",
        "udp6",
        "unix-path",
        "unix-abstract",
        "pipe-reopen",
        "add-route",
    )
    found = [
        {
            "probe": way,
            "source": source,
            "target": target,
            "verdict": "refused",
            "evidence": "Network is unreachable (ENETUNREACH)",
        }
        for way in ways
        for source, target in (("front", "back"), ("back", "front"))
    ]
    proof_id = chance.new_id()
    job = ask(session, Role.SYSTEM, ProveGateway())
    _finish(session, job, ago=dt.timedelta(minutes=50), result={"proof": proof_id})
    document = {"level": "L1", "findings": found, "holds": True}
    session.add(Proof(id=proof_id, at=ago(minutes=50), level="L1", open_ways=0, document=document))


def _supervision(session: Session, hospital: Hospital) -> None:
    traffic.policy(hospital.settings.state / "gateway")
    traffic.alerts(session)
    traffic.report(session, hospital.settings.state, hospital.settings.site_name)
    look = ask(session, Role.SECURITY, traffic.look_action())
    _finish(session, look, ago=dt.timedelta(minutes=9))
    export = ask(session, Role.SECURITY, traffic.export_action())
    traffic.export(session, hospital.settings.state, export)
    hospital.look, hospital.export = look.id, export.id


def _inspection(session: Session, hospital: Hospital) -> None:
    catalogue, seen = load(), outcomes()
    subjects: tuple[Subject, ...] = Order("", NODE, INSPECTED).subjects
    made = Run(
        site=hospital.settings.site_name,
        node=NODE,
        started=ago(minutes=40),
        seconds=11.3,
        container=True,
        catalogue=catalogue,
        subjects=subjects,
        outcomes=tuple(seen),
        findings=tuple(findings(catalogue, subjects, seen)),
    )
    content = report.build(made)
    envelope = report.sign(content, SigningKey.new())
    run_id = hospital.run = chance.new_id()
    folder = hospital.settings.state / "reports"
    (folder / f"{run_id}.json").write_text(json.dumps(envelope, ensure_ascii=False))
    (folder / f"{run_id}.html").write_text(report.html(content))
    job = ask(session, Role.SYSTEM, RunCompliance())
    steps = (
        ("inspect", "只读检查", "Inspect, read only", 11.3),
        ("sign", "签名并归档", "Sign and keep", 0.2),
    )
    _finish(session, job, steps, ago=dt.timedelta(minutes=40), result={"run": run_id})
    session.add(
        ComplianceRun(
            id=run_id,
            at=ago(minutes=40),
            seconds=11.3,
            ruleset=content["score"]["ruleset"],
            digest=envelope["digest"],
            json_path=str(folder / f"{run_id}.json"),
            html_path=str(folder / f"{run_id}.html"),
            summary=content["summary"],
        )
    )


def _work_in_hand(session: Session, hospital: Hospital) -> None:
    """One job that failed and was undone, and one that is running its fifth step."""
    failed = ask(session, Role.SYSTEM, InspectNode(node=NODE))
    looked = (
        ("facts", "读取硬件信息", "Read the facts", "undone", 0.9),
        ("probe", "试启动微型客户机", "Start a tiny guest", "failed", 60.0),
    )
    for position, (key, zh, en, state, seconds) in enumerate(looked):
        session.add(
            JobStep(
                job_id=failed.id,
                position=position,
                key=key,
                title_zh=zh,
                title_en=en,
                state=state,
                started_at=ago(seconds=62),
                seconds=seconds,
            )
        )
    session.add(
        JobLine(job_id=failed.id, at=ago(seconds=61), line="probing KVM: the kernel hung for 10 s")
    )
    session.add(
        JobLine(job_id=failed.id, at=ago(seconds=1), line="probing TCG: no answer, giving up")
    )
    failed.created_at = failed.started_at = ago(seconds=62)
    error = {
        "code": "host.command_timeout",
        "message": {
            "zh": "命令 qemu-system-x86_64 在 60 秒内未结束",
            "en": "qemu-system-x86_64 did not end within 60 s",
        },
        "hint": {
            "zh": "请稍后重试，并查看该服务状态。",
            "en": "Try again later and look at the service's state.",
        },
        "fields": {},
    }
    end(session, failed, State.FAILED, error)
    hospital.jobs["failed"] = failed.id
    vm_id = chance.new_id()
    running = ask(
        session, Role.SYSTEM, CreateVm(vm_id, "followup-1", "extranet", NODE, 1, 512, 4, True)
    )
    running.state, running.started_at = str(State.RUNNING), ago(seconds=15)
    running.worker, running.lease_until = (
        "node1:4711",
        clock.iso(clock.now() + dt.timedelta(days=1)),
    )
    for position, (key, zh, en, seconds) in enumerate(CREATE_STEPS):
        state = "done" if position < 4 else "running" if position == 4 else "pending"
        session.add(
            JobStep(
                job_id=running.id,
                position=position,
                key=key,
                title_zh=zh,
                title_en=en,
                state=state,
                started_at=ago(seconds=12) if position <= 4 else None,
                seconds=seconds if state == "done" else None,
            )
        )
    for line in ("linked clone of guest-base made", "domain defined and started (TCG)"):
        session.add(JobLine(job_id=running.id, at=ago(seconds=12), line=line))
    hospital.jobs["running"] = running.id
    hospital.vms["followup-1"] = vm_id
