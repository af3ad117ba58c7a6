"""What pages show, from given records: estimates, plot with gaps, findings, flows, the drawing."""

import datetime as dt
import re
import xml.etree.ElementTree as ET

import pytest

from appliance import clock
from appliance.errors import Text
from compliance.checks import CHECKS
from controller.actions.base import Role
from controller.records import alerts
from controller.records.cluster import OsdDisk, Storage
from controller.records.exchange import GatewayMinute, JournalIndex, Proof, Transfer
from controller.records.session import transaction
from controller.records.tables import ComplianceRun, Job, JobStep, Module, Node, Vm
from controller.web import marks
from controller.web.drawings import topology
from controller.web.drawings.bars import bar
from controller.web.drawings.topology import Lane, Machine, Member, Scene
from controller.web.facts import inspection, jobs, needs, proofs, scene, transfers
from controller.web.facts.flows import flows
from controller.web.pages.compliance import JUDGED
from controller.web.probe_words import PROBES
from controller.web.rule_words import RULES
from network.gateway import obedience, probing, refusals
from tests.browser.hospital import blank, furnished


@pytest.fixture(scope="module")
def furnished_session(tmp_path_factory):
    hospital = furnished(tmp_path_factory.mktemp("facts"))
    with transaction(hospital.engine) as session:
        yield hospital, session


def job_of(kind: str, number: int, state: str) -> Job:
    return Job(
        id=f"job-{number}", number=number, kind=kind, action={}, title_zh="", title_en="",
        object="x/y", actor="a", role="system", locks=[], state=state, audit_number=number,
        created_at=clock.iso(), started_at=clock.iso(),
    )  # fmt: skip


def step_of(job: Job, position: int, key: str, state: str, seconds: float | None) -> JobStep:
    return JobStep(
        job_id=job.id, position=position, key=key, title_zh=key, title_en=key, state=state,
        started_at=clock.iso(), seconds=seconds,
    )  # fmt: skip


def test_an_estimate_is_the_range_of_earlier_runs_of_the_same_step(tmp_path) -> None:
    hospital = blank(tmp_path)
    with transaction(hospital.engine) as session:
        for number, (state, took) in enumerate(
            [("succeeded", 10.0), ("succeeded", 14.0), ("failed", 90.0)], 1
        ):
            job = job_of("vm.start", number, state)
            session.add_all([job, step_of(job, 0, "start", "done", took)])
        other = job_of("vm.stop", 7, "succeeded")
        session.add_all([other, step_of(other, 0, "start", "done", 55.0)])
        session.flush()
        assert jobs.estimates(session, "vm.start") == {"start": jobs.Range(10.0, 14.0, 2)}

        now = job_of("vm.start", 8, "running")
        session.add_all([now, step_of(now, 0, "start", "running", None)])
        session.flush()
        left = jobs.view(session, now).left
        assert left is not None
        assert (round(left.low), round(left.high), left.runs) == (10, 14, 2)
        session.add(step_of(now, 1, "never measured", "pending", None))
        session.flush()
        assert jobs.view(session, now).left is None, "an estimate out of nothing"


def test_the_plot_has_a_gap_where_nothing_is_known(tmp_path) -> None:
    hospital = blank(tmp_path)
    with transaction(hospital.engine) as session:
        empty = transfers.plots(session, 60)["plots"]["verdicts"]
        assert {value for line in empty for value in line["values"]} == {None}
        for number, (minutes, verdict, count) in enumerate(
            [(10, "allowed", 1), (10, "refused", 7), (3, "allowed", 1)], 1
        ):
            session.add(
                Transfer(
                    number=number, at=clock.iso(clock.now() - dt.timedelta(minutes=minutes)),
                    channel="c", direction="d", lane="l", verdict=verdict, rule="", data_class="",
                    peer="", size=1, state="s", latency_ms=None, hash="", count=count,
                )
            )  # fmt: skip
        for minutes in (9, 8):
            at = clock.iso(clock.now() - dt.timedelta(minutes=minutes))[:16]
            session.add(GatewayMinute(minute=at, alive=minutes == 9, starts=0))
        session.flush()
        found = transfers.plots(session, 60)
        passed, refused, _ = (line["values"] for line in found["plots"]["verdicts"])
        assert passed[:50] == (None,) * 50
        assert passed[50:53] == (1.0, 0.0, None), "known, quiet, and a minute without gateway"
        assert refused[50] == 7.0, "a record that stands for seven refusals"
        assert passed[53:57] == (None,) * 4, "nobody looked"
        assert passed[57] == 1.0
        assert found["minutes"][1] - found["minutes"][0] == 60


def test_a_healthy_box_has_a_green_lamp_and_trouble_turns_it(furnished_session) -> None:
    hospital, session = furnished_session
    assert needs.lamp(needs.found(session)) == "bad", "messages could not be delivered"
    for alert in alerts.open_ones(session):
        alert.closed_at = clock.iso()
    _mended(session)
    found = needs.found(session)
    assert needs.lamp(found) == "warn"
    assert needs.lamp([]) == "ok"
    approve = next(need for need in found if need.href.endswith("/approve"))
    assert approve.mender == {Role.SECURITY}
    vm = session.get(Vm, hospital.vms["appointment-1"])
    vm.actual = "stopped"
    session.flush()
    found = needs.found(session)
    assert needs.lamp(found) == "bad"
    assert found[0].tone == "bad"
    assert "appointment-1" in found[0].what.zh
    assert (found[0].href, found[0].deed) == (f"/vms/{vm.id}/start", True)
    vm.actual = "running"


def _mended(session) -> None:
    """What the invented cluster has of trouble is over."""
    session.get(Node, "node3").why = None
    session.get(Storage, "rbd").state = "ok"
    session.get(OsdDisk, "node3:/dev/sdc").state = "in"
    session.flush()


def test_an_alert_is_on_the_first_page_until_somebody_sees_to_it(tmp_path) -> None:
    hospital = furnished(tmp_path)
    with transaction(hospital.engine) as session:
        told = [need.what.zh for need in needs.found(session)]
        assert "通道 lab-report 有 2 条消息无法送达" in told
        assert not [what for what in told if "个人号码" in what], "that one is seen to already"
        dead = next(a for a in alerts.open_ones(session) if a.rule == "dead_letter")
        dead.acknowledged_by = "sysadmin"
        session.flush()
        assert "通道 lab-report 有 2 条消息无法送达" not in [
            need.what.zh for need in needs.found(session)
        ]


def test_the_drawing_says_in_words_which_channel_is_in_trouble(furnished_session) -> None:
    hospital, session = furnished_session
    row = session.get(JournalIndex, 1)
    row.paused = ["booking"]
    session.flush()
    [drawn] = scene.scenes(session, hospital.settings.state / "gateway")
    lanes = {lane.name: lane for lane in drawn.lanes}
    assert lanes["booking"].paused
    assert "已暂停" in str(topology.wide(drawn))
    assert lanes["lab-report"].dead == 2
    assert "无法送达 2" in str(topology.tall(drawn))
    row.paused = []


@pytest.mark.parametrize("hours", [0, 24 * 40])
def test_no_proof_or_an_old_one_is_said(furnished_session, hours: int) -> None:
    _, session = furnished_session
    proof = session.query(Proof).one()
    if hours:
        proof.at = clock.iso(clock.now() - dt.timedelta(hours=hours))
        session.flush()
        assert any(need.href == "/gateway/prove" and need.deed for need in needs.found(session))
    else:
        proof.at = clock.iso()
        proof.open_ways = 1
        session.flush()
        assert any(need.href == "/gateway" and need.tone == "bad" for need in needs.found(session))
        proof.open_ways = 0


def test_a_waiting_job_that_nobody_takes_is_trouble(tmp_path) -> None:
    hospital = blank(tmp_path)
    with transaction(hospital.engine) as session:
        job = job_of("vm.start", 1, "waiting")
        session.add(job)
        session.flush()
        assert not [need for need in needs.found(session) if need.tone == "bad"]
        job.created_at = clock.iso(clock.now() - dt.timedelta(minutes=2))
        session.flush()
        assert [need.href for need in needs.found(session) if need.tone == "bad"] == ["/jobs/job-1"]
        job.blocked_by = "#7 vm/x"
        session.flush()
        assert not [need for need in needs.found(session) if need.tone == "bad"]


def test_findings_stand_worst_first_with_their_evidence(furnished_session) -> None:
    _, session = furnished_session
    run = inspection.latest(session)
    report = inspection.read(run)
    order = [inspection.WORST_FIRST.index(finding.verdict) for finding in report.findings]
    assert order == sorted(order)
    assert sum(inspection.counts(run).values()) == 257
    assert sum(layer.total for layer in report.layers) == 257
    decided = [f for f in report.findings if f.verdict in ("violated", "partial")]
    assert decided
    assert all(finding.evidence for finding in decided)


def test_each_object_counts_what_the_machine_judged_and_the_list_agrees(reader, hospital) -> None:
    with transaction(hospital.engine) as session:
        report = inspection.read(inspection.latest(session))
    assert sum(one.total for one in report.objects) == len(CHECKS)
    assert "机器已检查的对象" in reader("assessor").get("/compliance").get_data(as_text=True)
    for one in report.objects:
        for choice in JUDGED:
            address = f"/compliance?verdict={choice}&object={one.ref}&all=1"
            page = reader("assessor").get(address).get_data(as_text=True)
            listed = page.split('<article class="finding">')[1:]
            assert len(listed) == one.findings[choice], address
            assert all(f'<span class="note">{one.ref}</span>' in each for each in listed), address
            assert all("SHA-256" in each for each in listed), f"{address}: no evidence"


def test_a_layer_shows_its_own_findings_only(reader) -> None:
    page = reader("assessor").get("/compliance?layer=8.1.1&verdict=pending&all=1")
    items = re.findall(r"<b>(8[\d.]+\.[a-z])</b>", page.get_data(as_text=True))
    assert items
    assert all(item.startswith("8.1.1.") for item in items), "8.1.10 is another layer"


def test_a_verdict_nobody_knows_is_what_must_be_acted_on(reader) -> None:
    strange = reader("assessor").get("/compliance?verdict=%22%3E").get_data(as_text=True)
    plain = reader("assessor").get("/compliance").get_data(as_text=True)
    assert strange.count("<article") == plain.count("<article") > 0


def test_a_lost_report_is_said_and_breaks_nothing(reader, hospital) -> None:
    with transaction(hospital.engine) as session:
        run = session.get(ComplianceRun, hospital.run)
        kept, run.json_path = run.json_path, "/nowhere/report.json"
    answer = reader("sysadmin").get("/compliance")
    with transaction(hospital.engine) as session:
        session.get(ComplianceRun, hospital.run).json_path = kept
    assert answer.status_code == 503
    assert "compliance.report_gone" in answer.get_data(as_text=True)


def test_a_proof_counts_unknown_apart_from_refused() -> None:
    found = [{"probe": "tcp4", "verdict": v} for v in ("refused", "unknown", "refused")]
    row = Proof(id="1", at=clock.iso(), level="L1", open_ways=0, document={"findings": found})
    view = proofs.view(row)
    assert (view.tone, view.count("refused"), view.probes[0].verdict) == ("warn", 2, "unknown")
    row.document = {"findings": []}
    assert proofs.view(row).tone == "warn", "nothing tried is no proof"


def test_the_probes_that_the_gateway_makes_have_words(furnished_session) -> None:
    assert probing.NAMES
    assert not set(probing.NAMES) - set(PROBES)


def test_the_rules_that_the_gateway_refuses_by_have_words() -> None:
    every = refusals.GatewayRefusal.__subclasses__()
    assert {obedience.VOID, *(one.code for one in every)} == set(RULES)


def test_a_flow_says_its_direction_by_the_side_that_declares_it() -> None:
    flow = {
        "name": "n", "from": "self", "to": "gateway", "port": 1, "channel": "c", "lane": "request",
        "method": "GET", "path": "/p", "response": {"resource": "R", "fields": [{"path": "a.b"}]},
        "data_class": 2, "rate": 3, "purpose": {"zh": "z", "en": "e"},
    }  # fmt: skip
    for zone, source, direction in (
        ("extranet", "self", "extranet->intranet"),
        ("intranet", "self", "intranet->extranet"),
        ("intranet", "gateway", "extranet->intranet"),
    ):
        target = "gateway" if source == "self" else "self"
        raw = {"component": {"zone": zone}, "flows": [{**flow, "from": source, "to": target}]}
        (seen,) = flows(raw)
        assert seen.direction == direction
        assert (seen.fields, seen.request_line) == (("a.b",), "GET /p")


def test_an_approver_sees_what_crosses_in_every_protocol() -> None:
    hl7 = {"types": ["SIU^S12"], "parts": [{"path": "PID-3"}, {"path": "PID-5.1"}]}
    fhir = {"path": "/r4", "resources": [
        {"type": "Slot", "fields": [{"path": "start"}]}, {"type": "Patient", "whole": True},
    ]}  # fmt: skip
    both_ways = {"method": "POST", "path": "/p", "request": {"resource": "R", "fields": [{"path": "a"}]},
                 "response": {"resource": "R", "fields": [{"path": "b"}]}}  # fmt: skip
    seen = flows({"flows": [hl7, fhir, both_ways]})
    assert [(one.request_line, one.resource, one.fields) for one in seen] == [
        ("HL7 v2 SIU^S12", "PID", ("PID-3", "PID-5.1")),
        ("FHIR /r4", "Slot, Patient", ("Slot: start", "Patient: 整个资源 whole")),
        ("POST /p", "R", ("a", "b")),
    ]


def test_the_drawing_is_sound_and_escapes_names() -> None:
    hostile = Machine("<script>", "10.0.0.1", '"&', "ok", Text("运行", "running"), "/vms/'\"><b>")
    scene = Scene((Member("node1", "KVM"),), (hostile,), (), (Lane("c<d", inward=True, passed=3),))
    for drawn in (topology.wide(scene), topology.tall(scene)):
        root = ET.fromstring(str(drawn))  # noqa: S314 - our own text
        assert not [e for e in root.iter() if e.tag in ("script", "b")]
        assert "style" not in str(drawn)


def test_a_bar_is_divided_by_verdict() -> None:
    root = ET.fromstring(str(bar({"violated": 1, "conform": 3})))  # noqa: S314 - our own text
    widths = [float(rect.get("width")) for rect in root]
    assert [rect.get("class") for rect in root] == ["violated", "conform"]
    assert widths[1] > 2.9 * widths[0]


def test_instants_are_shown_in_beijing_time() -> None:
    assert ">01-01 07:59:59<" in marks.when("2026-12-31T23:59:59.000000+00:00")
    assert ">2027-01-01 07:59:59<" in marks.when("2026-12-31T23:59:59.000000+00:00", year=True)
    assert marks.when(None) == "–"


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0.42, "0.4 s"), (12.4, "12 s"), (125.0, "2 min 05 s")]
)
def test_durations(value: float | None, shown: str) -> None:
    assert marks.seconds(value) == shown


def test_text_from_people_is_escaped() -> None:
    assert "<b>" not in marks.t("<b>", "<b>")
    assert "<b>" not in marks.chip("job", "<b>")


def test_a_vendor_sees_only_its_own(reader, hospital) -> None:
    person = reader("meditech")
    page = person.get("/jobs").get_data(as_text=True)
    assert "安装模块 appointment" in page
    assert "创建虚拟机" not in page
    with transaction(hospital.engine) as session:
        module = session.get(Module, "his-standin")
        module.vendor = "another"
    hidden = person.get("/modules").get_data(as_text=True)
    foreign = person.get("/modules/his-standin").status_code
    with transaction(hospital.engine) as session:
        session.get(Module, "his-standin").vendor = "meditech"
    assert "his-standin" not in hidden.split("受信任")[0]
    assert foreign == 403


def test_the_same_form_sent_twice_is_one_job(reader, hospital) -> None:
    person = reader("sysadmin")
    form = {"once": "click-1", "force": ""}
    path = f"/vms/{hospital.vms['his-standin-1']}/stop"
    first, second = person.post(path, form), person.post(path, form)
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert person.post(path, {**form, "force": "on"}).status_code == 409
    with transaction(hospital.engine) as session:
        made = first.headers["Location"].rsplit("/", 1)[-1]
        assert session.get(Job, made).kind == "vm.stop"


def test_every_button_of_a_finding_leads_somewhere(app, furnished_session) -> None:
    hospital, session = furnished_session
    vm = session.get(Vm, hospital.vms["appointment-1"])
    vm.actual = "stopped"
    session.query(Proof).delete()
    session.query(ComplianceRun).delete()
    session.flush()
    found = needs.found(session)
    session.rollback()
    address = app.url_map.bind("box.test")
    assert {need.deed for need in found} == {True, False}
    for need in found:
        path = need.href.partition("#")[0].partition("?")[0]
        endpoint, _ = address.match(path, method="POST" if need.deed else "GET")
        assert not endpoint.endswith("nowhere_show_get"), need.href
