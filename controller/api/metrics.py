"""`/metrics` in Prometheus' text form: the box at this instant, from its records and the worker's figures."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Text
from controller.api.call import Answer, Call
from controller.api.meter import meter
from controller.api.route import READERS, Form, route
from controller.jobs.states import FINAL
from controller.records import metrics, tenants

FORM = "text/plain; version=0.0.4; charset=utf-8"
_TENANTS = 200
_MIB = 1 << 20
_UP_WITHIN = 30.0  # seconds; a node that was not seen for longer is down
_USED = (
    ("cpu_seconds", "hbox_vm_cpu_seconds", "虚拟机 CPU 时间 processor time used", 1),
    ("memory_mib", "hbox_vm_memory_bytes", "虚拟机内存 memory in use", _MIB),
    ("disk_read", "hbox_vm_disk_read_bytes", "磁盘读取 read from disks", 1),
    ("disk_written", "hbox_vm_disk_written_bytes", "磁盘写入 written to disks", 1),
    ("net_received", "hbox_vm_network_received_bytes", "网络接收 received", 1),
    ("net_sent", "hbox_vm_network_sent_bytes", "网络发送 sent", 1),
)


@route(
    Form(
        "GET",
        "/metrics",
        Text("运行指标（Prometheus）", "Metrics in Prometheus' text form"),
        READERS,
        gives=("text/plain",),
        local=True,
    )
)
def show_metrics(call: Call) -> Answer:
    """Answer with all metrics; from this machine itself nobody need be logged in."""
    registry = CollectorRegistry(auto_describe=False)
    used = _observed(call.settings.state / "metrics" / "vms.json")
    registry.register(_Once(call.read(lambda session: list(families(session, used)))))
    text = generate_latest(meter().registry) + generate_latest(registry)
    return Answer(Response(text, content_type=FORM))


def families(session: Session, used: dict[str, Any]) -> Iterator[Metric]:
    """Give every family, each with a bounded number of series."""
    build = GaugeMetricFamily("hbox_build_info", "版本 version", labels=("version",))
    build.add_metric((version("hbox"),), 1)
    yield build
    yield from _jobs(session)
    yield from _machines(session, used)
    yield from _nodes(session)
    yield from _storages(session)
    yield from _tenants(session)
    yield from _others(session)


def _jobs(session: Session) -> Iterator[Metric]:
    found = metrics.jobs(session)
    yield _gauge("hbox_jobs", "任务数 jobs", ("kind", "state"), found)
    oldest = metrics.oldest_waiting(session)
    waited = [((), _age(oldest))] if oldest else [((), 0.0)]
    yield _gauge("hbox_job_waiting_seconds", "最久等待 the oldest that waits", (), waited)
    steps = HistogramMetricFamily(
        "hbox_job_step_seconds", "已结束任务的步骤用时 steps of ended jobs", labels=("kind",)
    )
    for one in metrics.steps(session, [str(state) for state in FINAL]):
        pairs = zip((str(b) for b in metrics.STEP_BOUNDS), one.within, strict=True)
        steps.add_metric((one.kind,), [*pairs, ("+Inf", one.count)], one.seconds)
    yield steps


def _machines(session: Session, used: dict[str, Any]) -> Iterator[Metric]:
    by = ("node", "wished", "actual")
    yield _gauge("hbox_vms", "虚拟机数 machines", by, metrics.vms(session))
    drifted = [((), float(metrics.drifted(session)))]
    yield _gauge("hbox_vms_drifted", "与期望不符 machines otherwise than wished", (), drifted)
    held = used.get("vms", {})
    names = metrics.names(session, list(held))
    for key, name, text, factor in _USED:
        made = GaugeMetricFamily if key == "memory_mib" else CounterMetricFamily
        family = made(name, text, labels=("vm", "node"))
        for vm_id, vm in names.items():
            family.add_metric((vm, held[vm_id]["node"]), held[vm_id][key] * factor)
        yield family
    if used.get("at"):
        at = [((), _age(used["at"]))]
        yield _gauge("hbox_vm_figures_age_seconds", "上述数据的年龄 how old these are", (), at)


def _nodes(session: Session) -> Iterator[Metric]:
    found = metrics.nodes(session)
    up = [((node.name,), float(_up(node.why, node.seen_at))) for node in found]
    yield _gauge("hbox_node_up", "节点应答 whether it answers", ("node",), up)
    states = [((node.name, node.state), 1.0) for node in found]
    yield _gauge("hbox_node_state", "节点状态 its state", ("node", "state"), states)


def _storages(session: Session) -> Iterator[Metric]:
    found = metrics.storages(session)
    for key in ("capacity", "used", "ceiling"):
        rows = [
            ((one.name,), float(amount) * _MIB)
            for one in found
            if isinstance(amount := (one.facts or {}).get(key), int | float)
        ]
        text = {"capacity": "容量", "used": "已用", "ceiling": "安全上限"}[key]
        yield _gauge(f"hbox_storage_{key}_bytes", f"存储{text} {key}", ("storage",), rows)
    states = [((one.name, one.state), 1.0) for one in found]
    yield _gauge("hbox_storage_state", "存储状态 its state", ("storage", "state"), states)
    yield _gauge("hbox_storage_disks", "数据盘 disks", ("node", "state"), metrics.disks(session))


def _tenants(session: Session) -> Iterator[Metric]:
    taken = tenants.usage(session)
    rows: list[metrics.Row] = []
    limits: list[metrics.Row] = []
    for one in metrics.tenants(session, _TENANTS):
        use = taken.get(one.name, tenants.Usage())
        for what in ("vms", "vcpus", "memory_mib", "disk_gib"):
            rows.append(((one.name, what), float(getattr(use, what))))
            limits.append(((one.name, what), float(getattr(one, what))))
    by = ("tenant", "resource")
    yield _gauge("hbox_tenant_used", "租户用量 what a tenant has taken", by, rows)
    yield _gauge("hbox_tenant_limit", "租户上限 its limit, 0: none", by, limits)


def _others(session: Session) -> Iterator[Metric]:
    yield _gauge("hbox_alerts_open", "未关闭告警 open alerts", ("tone",), metrics.alerts(session))
    waiting = metrics.undelivered(session)
    yield _gauge("hbox_gateway_messages", "未送达报文 not delivered", ("state",), waiting)
    total = CounterMetricFamily("hbox_gateway_records", "网关日志编号 records of the gateway")
    total.add_metric((), metrics.last_transfer(session))
    yield total
    entries = CounterMetricFamily("hbox_audit_entries", "审计记录数 audit entries")
    entries.add_metric((), metrics.audit_entries(session))
    yield entries
    living = [((), float(metrics.living_tokens(session, clock.iso())))]
    yield _gauge("hbox_api_tokens", "有效令牌 living API tokens", (), living)
    last = metrics.last_compliance(session)
    if last:
        text = "距上次等保检查 since the last compliance run"
        yield _gauge("hbox_compliance_age_seconds", text, (), [((), _age(last))])


class _Once(Collector):
    """Gives what was counted already."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _gauge(
    name: str, text: str, labels: tuple[str, ...], rows: Iterable[metrics.Row]
) -> GaugeMetricFamily:
    made = GaugeMetricFamily(name, text, labels=labels)
    for values, figure in rows:
        made.add_metric(values, figure)
    return made


def _up(why: str | None, seen_at: str | None) -> bool:
    """Whether a node answers: nothing is said against it, and where it is looked after, it was seen."""
    return why is None and (seen_at is None or _age(seen_at) < _UP_WITHIN)


def _age(at: str) -> float:
    return max(0.0, (clock.now() - dt.datetime.fromisoformat(at)).total_seconds())


def _observed(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    sound = isinstance(found, dict) and isinstance(found.get("vms"), dict)
    return found if sound else {}
