"""What needs a person: each finding says what is wrong, why it matters, and where it is mended."""

import datetime as dt
from collections.abc import Callable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Text
from controller.actions.base import Role
from controller.actions.compliance import RunCompliance
from controller.actions.gateway import ProveGateway
from controller.actions.nodes import InspectNode
from controller.actions.vms import StartVm
from controller.records import alerts, changes
from controller.records.exchange import Proof
from controller.records.tables import ComplianceRun, Job, Node, Vm
from controller.web.facts import inspection, jobs, modules, needs_cluster, needs_people
from controller.web.facts.need import Need as Need  # noqa: PLC0414 - readers know it from here
from controller.web.route import READERS
from controller.web.words import mark

_PATIENCE = dt.timedelta(seconds=60)
_FRESH = dt.timedelta(hours=26)  # the worker proves it each day
_ALERTS = 8  # on the first page; all of them are on the gateway's
_RECENT = 100  # jobs looked at for failures


def found(session: Session) -> list[Need]:
    """Return all findings, worst first."""
    needs = [need for rule in RULES for need in rule(session)]
    return sorted(needs, key=lambda need: need.tone != "bad")


def lamp(needs: list[Need]) -> str:
    """Return the one lamp's tone: bad, warn or ok."""
    tones = {need.tone for need in needs}
    return "bad" if "bad" in tones else "warn" if tones else "ok"


def _worker(session: Session) -> Iterator[Need]:
    limit = clock.iso(clock.now() - _PATIENCE)
    waiting = session.scalar(
        select(Job).where(Job.state == "waiting", Job.blocked_by.is_(None), Job.created_at < limit)
    )
    if waiting is not None:
        yield Need(
            "bad",
            Text("任务无人执行", "Nobody carries jobs out"),
            Text(
                "有任务等待超过 1 分钟；请在节点上检查服务 hbox-worker。",
                "A job has waited for over a minute; look at the service hbox-worker on the node.",
            ),
            f"/jobs/{waiting.id}",
            Text("查看任务", "See the job"),
        )


def _machines(session: Session) -> Iterator[Need]:
    busy = {job.object for job in jobs.active(session, limit=1000)}
    for vm in session.scalars(select(Vm).order_by(Vm.name)):
        if f"vm/{vm.id}" in busy:
            continue
        if vm.actual == "unknown":
            continue  # its node does not answer, which is a finding of its own
        if vm.wished != vm.actual:
            yield _astray(vm)
        elif vm.actual == "running" and not vm.agent:
            yield Need(
                "warn",
                Text(f"虚拟机 {vm.name} 的代理无应答", f"The agent in {vm.name} is silent"),
                Text(
                    "控制器只能经代理进入虚拟机；无应答时无法维护其中的模块。",
                    "The agent is the controller's only way in; without it the module cannot be tended.",
                ),
                f"/vms/{vm.id}",
                Text("查看", "See it"),
            )


def _astray(vm: Vm) -> Need:
    off = (vm.wished, vm.actual) == ("running", "stopped")
    return Need(
        "bad",
        Text(f"虚拟机 {vm.name} 不在期望状态", f"The machine {vm.name} is not as wished"),
        Text(
            f"期望 {mark('vm', vm.wished).text.zh}，实际 {mark('vm', vm.actual).text.zh}，且没有任务在处理。",
            f"Wished {vm.wished}, actually {vm.actual}, and no job is at work.",
        ),
        f"/vms/{vm.id}/start" if off else f"/vms/{vm.id}",
        Text("启动", "Start it") if off else Text("查看并处理", "See and mend"),
        StartVm.roles if off else READERS,
        deed=off,
    )


def _modules(session: Session) -> Iterator[Need]:
    for module in modules.all_of(session):
        href = f"/modules/{module.row.id}"
        if module.row.state == "failed" or module.health == "failing":
            yield Need(
                "bad",
                Text(f"模块“{module.title.zh}”异常", f"The module “{module.title.en}” is not well"),
                Text(
                    "最近一次健康检查未通过，其业务可能中断。",
                    "Its last health check failed; its service may be down.",
                ),
                href,
                Text("查看健康", "See its health"),
            )
        elif module.approval == "open" and module.row.state == "running":
            yield Need(
                "warn",
                Text(
                    f"模块“{module.title.zh}”等待批准",
                    f"The module “{module.title.en}” waits for approval",
                ),
                Text(
                    "安全管理员批准之前，其数据流全部关闭。",
                    "Its flows stay closed until the security administrator approves them.",
                ),
                f"{href}/approve",
                Text("审阅并批准", "Review and approve"),
                frozenset({Role.SECURITY}),
            )


def _changes(session: Session) -> Iterator[Need]:
    waiting = changes.many(session, state="pending", limit=1000)
    if waiting:
        one = waiting[-1]
        yield Need(
            "warn",
            Text(
                f"{len(waiting)} 项通道变更等待批准", f"Channel changes that wait: {len(waiting)}"
            ),
            Text(
                f"最早的是通道 {one.channel}（申请人 {one.requester}）；批准前不生效。",
                f"The oldest is for the channel {one.channel}, asked for by {one.requester}.",
            ),
            f"/gateway/changes/{one.number}",
            Text("审阅", "Review"),
            frozenset({Role.SECURITY}),
        )


def _failures(session: Session) -> Iterator[Need]:
    seen: set[tuple[str, str]] = set()
    for job in session.scalars(select(Job).order_by(Job.number.desc()).limit(_RECENT)):
        key = (job.kind, job.object)
        if key not in seen and job.state in ("failed", "refused"):
            yield Need(
                "warn",
                Text(
                    f"任务 {job.number} 未成功：{job.title_zh}", f"Job {job.number} did not succeed"
                ),
                Text(
                    "已做的改动都已撤销；步骤和原因见任务页。",
                    "What it had done was undone; its page shows steps and reason.",
                ),
                f"/jobs/{job.id}",
                Text("查看原因", "See why"),
            )
        seen.add(key)


def _proof(session: Session) -> Iterator[Need]:
    proof = session.scalar(select(Proof).order_by(Proof.at.desc()).limit(1))
    if proof is not None and proof.open_ways:
        yield Need(
            "bad",
            Text(
                f"内外网之间发现 {proof.open_ways} 条其他通路",
                f"Other ways across the gateway that are open: {proof.open_ways}",
            ),
            Text("隔离不成立，请立即处理。", "The separation does not hold; act at once."),
            "/gateway",
            Text("查看证据", "See the evidence"),
        )
    elif proof is None or proof.at < clock.iso(clock.now() - _FRESH):
        yield Need(
            "warn",
            Text("内外网隔离尚无近期证明", "No recent proof of the separation"),
            Text(
                "证明会尝试所有已知的穿越方式，约需一分钟。",
                "A proof tries every known way across; it takes about a minute.",
            ),
            "/gateway/prove",
            Text("立即证明", "Prove it now"),
            ProveGateway.roles,
            deed=True,
        )


def _compliance(session: Session) -> Iterator[Need]:
    run = session.scalar(select(ComplianceRun).order_by(ComplianceRun.at.desc()).limit(1))
    if run is None:
        yield Need(
            "warn",
            Text("还没有做过等保检查", "Compliance was never inspected"),
            Text("检查只读取、不改动任何设置。", "An inspection only reads; it changes nothing."),
            "/compliance/run",
            Text("立即检查", "Run it now"),
            RunCompliance.roles,
            deed=True,
        )
        return
    violated = inspection.counts(run).get("violated", 0)
    if violated:
        yield Need(
            "warn",
            Text(f"等保检查有 {violated} 项不符合", f"Items that do not conform: {violated}"),
            Text("按从重到轻排列，附证据与依据。", "Listed worst first, with the evidence."),
            "/compliance",
            Text("查看结果", "See the findings"),
        )


def _nodes(session: Session) -> Iterator[Need]:
    for node in session.scalars(select(Node).where(Node.facts.is_(None)).order_by(Node.name)):
        yield Need(
            "warn",
            Text(
                f"节点 {node.name} 的硬件尚未采集", f"The hardware of {node.name} is not known yet"
            ),
            Text(
                "采集后才知道硬件虚拟化是否真正可用。",
                "Only then is it known whether hardware virtualisation really works.",
            ),
            f"/nodes/{node.name}/inspect",
            Text("立即采集", "Inspect it now"),
            InspectNode.roles,
            deed=True,
        )


def _alerts(session: Session) -> Iterator[Need]:
    """What supervision found; what somebody sees to already, and proofs (told above), are left out."""
    found = [a for a in alerts.open_ones(session) if not a.acknowledged_by]
    for alert in [a for a in found if not a.rule.startswith("proof_")][:_ALERTS]:
        words = alerts.words(alert)
        yield Need(
            alert.tone,
            words.what,
            Text(f"{words.why.zh}{words.remedy.zh}", f"{words.why.en} {words.remedy.en}"),
            words.href,
            Text("查看并处理", "See and mend"),
        )


RULES: tuple[Callable[[Session], Iterator[Need]], ...] = (
    _worker,
    _machines,
    _modules,
    _changes,
    _proof,
    _alerts,
    _failures,
    _compliance,
    _nodes,
    needs_cluster.nodes,
    needs_cluster.storage,
    needs_cluster.drift,
    needs_people.approvals,
    needs_people.reviews,
    needs_people.drift,
)
