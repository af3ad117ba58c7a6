"""An invented day of the exchange: messages, a queue, dead letters, alerts, a look, an export, a report."""

from pathlib import Path

from sqlalchemy.orm import Session

from appliance.canonical import canonical
from appliance.clock import iso
from appliance.onetime import Opener
from appliance.signing import SigningKey
from controller.actions.supervision import ExportTransfers, LookBody
from controller.jobs.rows import end
from controller.jobs.states import State
from controller.records.exchange import (
    Alert,
    ChannelChange,
    GatewayMinute,
    GatewayReport,
    JournalIndex,
    Transfer,
)
from controller.records.gateway import Wanted
from controller.records.tables import Job
from controller.workers.alert_rules import Finding
from controller.workers.alerts import settle
from controller.workers.daily import figures, summary, today
from controller.workers.exports import COLUMNS, as_csv, as_json, signature
from controller.workers.reports import page, signed
from tests.browser.invented import ago

_KINDS = {"slot-read": "GET Slot", "booking": "SIU^S12", "lab-report": "ORU^R01"}


def transfers(session: Session) -> None:
    """Fifty minutes of traffic with a gap of five, some refusals, a receiver that went away."""
    number = 0
    for minute in range(50, 0, -1):
        if 22 <= minute < 27:
            continue  # nobody looked, and the gateway was down
        session.add(
            GatewayMinute(minute=ago(minutes=minute)[:16], alive=True, starts=int(minute == 21))
        )
        for each in range(3 + (minute * 7) % 11):
            number += 1
            session.add(_transfer(number, minute - each / 20, "slot-read"))
        if minute % 3 == 0:
            number += 1
            session.add(_transfer(number, minute - 0.8, "booking"))
        if minute in (31, 30, 12):
            for _ in range(4):
                number += 1
                session.add(_transfer(number, minute - 0.9, "booking", refused=True))
        if minute <= 12:
            number += 1
            state = {12: "dead", 11: "dead"}.get(minute, "accepted")
            session.add(_transfer(number, minute - 0.5, "lab-report", state=state))
    chain = f"{number:064x}"
    session.add(JournalIndex(id=1, number=number, chain=chain, at=iso(), paused=[]))
    session.flush()


def _transfer(
    number: int, minute: float, channel: str, *, refused: bool = False, state: str = "delivered"
) -> Transfer:
    stored = channel != "slot-read"
    waits = state == "accepted"
    inward = channel != "lab-report"
    return Transfer(
        number=number, at=ago(minutes=minute), channel=channel,
        direction="extranet->intranet" if inward else "intranet->extranet",
        lane="store" if stored else "request",
        verdict="refused" if refused else "allowed",
        rule="gateway.personal_number" if refused else "gateway.far_side_late" if state == "dead" else "",
        data_class="3" if stored else "2",
        purpose="预约挂号" if inward else "检验报告回传",
        peer="10.88.0.10" if inward else "10.66.0.10",
        address="10.66.0.10:8080" if inward else "10.88.0.10:2575",
        size=900 + number % 400,
        state="refused" if refused else state if stored else "answered",
        latency_ms=None if refused or waits else 4.0 + number % 9 + (40 if number % 17 == 0 else 0),
        hash=f"{number:064x}", kind=_KINDS[channel],
        delivery="" if refused else f"00000000-0000-4000-8000-{number:012d}",
        note="connection refused" if state == "dead" else "", attempts=10 if state == "dead" else 1,
        found="id-card:1" if refused else "", masked=2 if channel == "booking" else 0,
        dropped=number % 3, count=1, ended_at=None if waits else ago(minutes=minute - 0.01),
    )  # fmt: skip


def policy(folder: Path) -> None:
    """The policy in force: three channels, one per protocol, each asked for and approved."""
    base = {"rate": 600, "requester": "sysadmin", "approver": "secadmin"}
    inward, outward = "extranet->intranet", "intranet->extranet"
    channels = (
        base | {"id": "slot-read", "direction": inward, "lane": "request", "protocol": "fhir",
                "peer": "10.88.0.10", "target": "http://10.66.0.10:8080", "path": "/fhir",
                "resources": [{"type": "Slot"}], "data_class": "2", "purpose": "查询号源"},
        base | {"id": "booking", "direction": inward, "lane": "store", "protocol": "http-json",
                "method": "POST", "path": "/fhir/Appointment", "peer": "10.88.0.10",
                "target": "http://10.66.0.10:8080", "data_class": "3", "purpose": "预约挂号"},
        base | {"id": "lab-report", "direction": outward, "lane": "store", "protocol": "hl7v2",
                "types": ["ORU^R01"], "peer": "10.66.0.10", "target": "mllp://10.88.0.10:2575",
                "data_class": "3", "purpose": "检验报告回传"},
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.signed").write_bytes(
        b"ed25519 00\n" + canonical({"version": 3, "issued": iso(), "channels": list(channels)})
    )


def alerts(session: Session) -> None:
    """What the rules would have found of that."""
    found = (
        Finding("dead_letter", "lab-report", "bad", {"number": 2}, 9),
        Finding("queue_old", "lab-report", "warn", {"number": 10, "minutes": 9}),
        Finding("personal_number", "booking", "warn", {"number": 12, "most": "id-card:1"}, 8),
    )
    settle(session, [*found, Finding("silent", "slot-read", "warn", {"minutes": 41, "usual": 30})])
    settle(session, found)
    last = session.query(Alert).filter_by(rule="personal_number").one()
    last.acknowledged_by, last.acknowledged_at = "secadmin", iso()
    session.flush()


def report(session: Session, state: Path, site: str) -> None:
    """Today's report, as the worker writes it."""
    day = today()
    found = figures(session, day, site)
    found["sealed_head"] = None
    envelope = signed(found, SigningKey.new())
    folder = state / "reports" / "gateway"
    folder.mkdir(parents=True)
    (folder / f"{day.name}.json").write_bytes(canonical(envelope))
    (folder / f"{day.name}.html").write_text(page(found))
    session.add(
        GatewayReport(day=day.name, at=iso(), digest=envelope["digest"], summary=summary(found))
    )
    session.flush()


def export(session: Session, state: Path, job: Job) -> None:
    """The files of one export of a few lines."""
    rows = [{"number": 1, "note": "=1+1"}]
    full = [dict.fromkeys(COLUMNS, "") | row for row in rows]
    files = {"csv": as_csv(full), "json": as_json(full, {})}
    files["sig"] = signature(files, {"rows": 1}, SigningKey.new())
    folder = state / "reports" / "exports"
    folder.mkdir(parents=True)
    for form, data in files.items():
        (folder / f"{job.id}.{form}").write_bytes(data)
    job.result = {"export": job.id, "rows": 1, "sha256": "ab" * 32}
    end(session, job, State.SUCCEEDED, None)


def look_action(number: int = 2) -> LookBody:
    return LookBody(number, "message", False, "患者投诉：预约未到达", Opener().public)


def export_action() -> ExportTransfers:
    return ExportTransfers.of(Wanted(channel="booking"))


def change(session: Session) -> None:
    """A change of a channel that waits, tried once; its text is one that the gateway takes."""
    text = (
        'id = "lab-report"\npurpose = "检验报告推送"\ndata_class = "3"\n'
        'direction = "intranet->extranet"\nlane = "store"\npeer = "10.66.0.20"\n'
        'target = "http://10.88.0.10:8080"\nmethod = "POST"\npath = "/fhir/Observation"\n'
        'request = [\n  { path = "resourceType", type = "code", required = true },\n]\n'
    )
    told = {
        "channel": "lab-report", "messages": 0, "same": 0, "refused": {}, "allowed": 0,
        "reached": 0, "fewer": 0, "more": 0, "changed": 0, "moved": 0, "examples": [],
    }  # fmt: skip
    booking = told | {
        "channel": "booking", "messages": 118, "same": 112,
        "refused": {"gateway.body_refused": 4}, "fewer": 2,
    }  # fmt: skip
    now = iso()
    trial = {
        "digest": "d" * 64, "at": now, "since": now, "messages": 118, "unreadable": 0, "cut": False,
        "channels": [booking, told],
        "notes": [{"zh": "未实际发送任何报文。", "en": "Nothing was sent."}],
    }  # fmt: skip
    session.add(
        ChannelChange(
            number=1, channel="lab-report", op="new", base=0, before="", text=text,
            digest="d" * 64, reason="检验科上线报告推送", requester="sysadmin", requested_at=now,
            widens=["新通道 intranet->extranet：10.66.0.20 到 http://10.88.0.10:8080 a new channel"],
            state="pending", trial=trial, tried_at=now, job_id="-",
        )
    )  # fmt: skip
