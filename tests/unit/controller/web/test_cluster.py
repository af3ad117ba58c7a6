"""Pages of several nodes, machines, volumes, consoles: what they say, what they ask for, and who sees what."""

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from appliance import chance
from appliance.ca import Authority
from appliance.errors import BadInput
from controller.actions.base import Role
from controller.jobs.rows import end
from controller.jobs.states import State
from controller.records.cluster import ConsoleSession, OsdDisk, Snapshot, Storage
from controller.records.session import reading, transaction
from controller.records.tables import AuditEntry, Job, Node, Vm, Volume
from controller.web.drawings import topology
from controller.web.drawings.gauges import gauge
from controller.web.facts import needs, scene
from controller.web.facts.machines import changes
from controller.web.pages import console
from tests.browser.cluster import TENANT


def newest(hospital) -> Job:
    with reading(hospital.engine) as session:
        return session.scalar(select(Job).order_by(Job.number.desc()).limit(1))


def cancel(hospital, job: Job) -> None:
    """Take a test's job away again, so that the pages stay as they were."""
    with transaction(hospital.engine) as session:
        held = session.get(Job, job.id)
        end(session, held, State.CANCELLED, None)


# --- what the pages ask for


@pytest.mark.parametrize(
    ("path", "form", "kind", "fields"),
    [
        ("/vms/{vm}/pause", {}, "vm.pause", {}),
        ("/vms/{vm}/resize", {"vcpus": "2", "memory_mib": "768"}, "vm.resize",
         {"vcpus": 2, "memory_mib": 768}),
        ("/vms/{vm}/nics", {"zone": "intranet"}, "vm.nic.add", {"zone": "intranet"}),
        ("/vms/{vm}/migrate", {"node": "node1"}, "vm.migrate", {"node": "node1"}),
        ("/vms/{vm}/mend", {}, "vm.mend", {}),
        ("/volumes/{volume}/detach", {}, "volume.detach", {"vm_id": "{vm}"}),
        ("/nodes/node3/inspect", {}, "node.inspect", {"node": "node3"}),
        ("/nodes/node2/configure", {"dry": "on"}, "node.configure", {"node": "node2", "dry": True}),
        ("/storage/disks/add", {"node": "node2", "path": "/dev/sdz"}, "storage.disk.add",
         {"node": "node2", "path": "/dev/sdz"}),
        ("/tenants", {"name": "radiology", "vms": "3", "vcpus": "6", "memory_mib": "0",
         "disk_gib": "100"}, "tenant.set", {"name": "radiology", "vms": 3, "disk_gib": 100}),
        ("/templates/{template}/check", {}, "template.check", {"template_id": "{template}"}),
    ],
)  # fmt: skip
def test_a_button_asks_for_its_action_with_what_the_form_says(
    path, form, kind, fields, reader, hospital
) -> None:
    held = {
        "{vm}": hospital.vms["reports-1"],
        "{volume}": hospital.ids["volume_id"],
        "{template}": hospital.ids["template_id"],
    }
    for mark, value in held.items():
        path = path.replace(mark, value)
    answer = reader("sysadmin").post(path, form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    job = newest(hospital)
    assert answer.headers["Location"] == f"/jobs/{job.id}"
    assert job.kind == kind
    asked = {name: held.get(value, value) for name, value in fields.items()}
    assert asked.items() <= job.action.items()
    cancel(hospital, job)


def test_a_second_click_on_a_button_is_the_same_job(reader, hospital) -> None:
    path = f"/vms/{hospital.vms['reports-1']}/pause"
    first, second = (reader("sysadmin").post(path, {"once": "click-pause"}) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    cancel(hospital, newest(hospital))


def test_a_refused_wish_is_told_with_code_and_hint(reader, hospital) -> None:
    answer = reader("sysadmin").post(f"/vms/{hospital.vms['his-standin-1']}/mend")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "vm.no_drift" in text


# --- what they say


def test_a_machines_page_shows_drift_parts_and_the_reasons_for_its_place(reader, hospital) -> None:
    text = reader("sysadmin").get(f"/vms/{hospital.vms['reports-1']}").get_data(as_text=True)
    for words in (
        "绕过医盒改动", "usb0", "外来磁盘未经登记", "下次启动后生效", "10.66.0.150",
        "before-update", "已冻结", "由医盒选择：node2", "剩余内存 28 GiB", "在线迁移（加密）", "lab-results",
    ):  # fmt: skip
        assert words in text, words
    assert "接受实际状态" not in text, "a foreign disk cannot be accepted"


def test_drift_is_told_by_part_and_says_what_cannot_be_accepted() -> None:
    rows = {c.what: c for c in changes({"vcpus": [1, 2], "disks": [["a"], ["a", "b"]]})}
    assert (rows["vcpus"].wished, rows["vcpus"].actual, rows["vcpus"].why) == ("1", "2", None)
    assert rows["disks"].actual == "a、b"
    assert rows["disks"].why is not None
    assert changes(None) == ()


def test_the_preview_says_where_a_machine_would_go_and_why(reader, hospital) -> None:
    form = {"vcpus": "1", "memory_mib": "512", "storage": "rbd", "apart": "reports"}
    text = reader("sysadmin").post("/vms/new/place.part", form).get_data(as_text=True)
    assert "由医盒选择：node1" in text, "node2 has a machine of that group, node3 is away"
    much = {**form, "memory_mib": "999999"}
    text = reader("sysadmin").post("/vms/new/place.part", much).get_data(as_text=True)
    assert "没有能容纳它的节点" in text
    broken = {**form, "vcpus": "x"}
    answer = reader("sysadmin").post("/vms/new/place.part", broken)
    assert answer.status_code == 200
    assert "不是整数" in answer.get_data(as_text=True)


def test_a_drain_shows_its_plan_before_the_button(reader, hospital) -> None:
    text = reader("sysadmin").get("/nodes/node2/drain").get_data(as_text=True)
    assert "reports-1" in text
    assert hospital.vms["reports-1"] in text, "the plan is part of the form"
    stays = reader("sysadmin").get("/nodes/node1/drain").get_data(as_text=True)
    assert "留在原处" in stays, "machines in the node's own storage cannot move"


def test_the_list_is_narrowed_by_what_is_asked(reader, hospital) -> None:
    for query, there, gone in (
        ("node=node2", "reports-1", "appointment-1"),
        ("name=stand", "his-standin-1", "reports-1"),
        (f"tenant={TENANT}", "reports-1", "his-standin-1"),
        ("state=running&zone=extranet", "appointment-1", "reports-1"),
    ):
        text = reader("sysadmin").get(f"/vms/rows?{query}").get_data(as_text=True)
        assert there in text, query
        assert gone not in text, query
    text = reader("sysadmin").get("/vms?name=%25").get_data(as_text=True)
    assert "没有符合条件的虚拟机" in text, "a percent sign is a sign like any other"


def test_a_node_token_is_shown_once(reader, hospital) -> None:
    person = reader("sysadmin")
    tls = hospital.settings.state / "tls"
    if not (tls / "ca.crt").exists():
        tls.mkdir(exist_ok=True)
        Authority(tls / "ca.crt", tls / "ca.key").ensure("测试医院")
    form = {"name": "node9", "minutes": "30"}
    text = person.post("/nodes/tokens", form).get_data(as_text=True)
    assert "hbox-join." in text
    assert "hbox-join." not in person.get("/nodes/tokens").get_data(as_text=True)
    refused = person.post("/nodes/tokens", {**form, "name": "node2"})
    assert refused.status_code == 409


def test_storage_says_how_safe_the_data_is_and_how_long_a_repair_takes(reader) -> None:
    text = reader("sysadmin").get("/storage").get_data(as_text=True)
    for words in (
        "降级，修复中",
        "14 min 00 s",
        "每份数据只有一份",
        "1 osds down",
        "node3:/dev/sdb 故障",
    ):
        assert words in text, words


def test_a_gauge_stays_inside_its_frame() -> None:
    assert 'width="600.0"' in str(gauge(3.2, "bad"))
    assert 'width="0.0"' in str(gauge(-1))
    assert 'x1="510.0"' in str(gauge(0.5, "ok", 0.85))


# --- findings and drawing


def test_trouble_of_the_cluster_is_a_finding_with_its_mender(hospital) -> None:
    with reading(hospital.engine) as session:
        said = {need.href: need for need in needs.found(session)}
        disk = said["/storage/disk?disk=node3:/dev/sdc"]
        tones = (said["/nodes/node3"].tone, disk.tone, said["/storage"].tone)
        assert tones == ("bad", "bad", "warn")
        assert "connection timed out" in said["/nodes/node3"].why.zh
        assert "14 分钟" in said["/storage"].why.zh
        assert disk.mender == {Role.SYSTEM}
        assert any("被绕过医盒改动" in need.what.zh for need in said.values())
        session.get(Node, "node3").why = None
        session.get(Storage, "rbd").state = "ok"
        session.get(OsdDisk, "node3:/dev/sdc").state = "in"
        vm = session.get(Vm, hospital.vms["his-standin-1"])
        vm.actual = "unknown"  # its node's silence is a finding of its own
        after = {need.href: need for need in needs.found(session)}
        assert not {"/storage", disk.href, f"/vms/{vm.id}"} & set(after)
        assert "在维护中" in after["/nodes/node3"].what.zh
        session.rollback()


def test_the_drawing_shows_every_node_and_whose_machines_are_whose(hospital) -> None:
    with reading(hospital.engine) as session:
        [drawn] = scene.scenes(session, hospital.settings.state / "gateway")
    assert [(one.name, one.tone, one.home) for one in drawn.nodes] == [
        ("node1", "ok", True),
        ("node2", "ok", False),
        ("node3", "bad", False),
    ]
    for text in (str(topology.wide(drawn)), str(topology.tall(drawn))):
        assert "3 个节点" in text
        assert text.count('href="/nodes/') == 3
        inside = text[text.index("内网区") :]
        assert inside.index(">node1<") < inside.index("his-standin-1")
        assert inside.index("his-standin-1") < inside.index(">node2<") < inside.index("reports-1")


# --- who sees what


def test_a_tenant_sees_its_own_machines_and_volumes_and_no_other(reader, hospital) -> None:
    person = reader("labdept")
    own, other = hospital.vms["reports-1"], hospital.vms["appointment-1"]
    for path in ("/", "/vms"):
        text = person.get(path).get_data(as_text=True)
        assert "reports-1" in text, path
        assert "appointment-1" not in text, path
    assert person.get(f"/vms/{own}").status_code == 200
    for path in (f"/vms/{other}", f"/vms/{other}/stop", f"/vms/{other}/delete"):
        assert person.get(path).status_code == 404, path
    with transaction(hospital.engine) as session:
        foreign = chance.new_id()
        session.add(Volume(id=f"{foreign}/data", kind="data", path="-", name="not-theirs"))
    assert "not-theirs" not in person.get("/volumes").get_data(as_text=True)
    assert person.get(f"/volumes/{foreign}").status_code == 404
    for path in (f"/vms/{other}/pause", f"/vms/{other}/console", f"/volumes/{foreign}/delete"):
        assert person.post(path, {"what": "screen"}).status_code in (403, 404), path


# --- the console's page


def opened(hospital, reader, what: str, who: str = "sysadmin") -> tuple[str, Job]:
    answer = reader(who).post(f"/vms/{hospital.vms['reports-1']}/console", {"what": what})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    job = newest(hospital)
    assert answer.headers["Location"] == f"/consoles/{job.action['session_id']}"
    return job.action["session_id"], job


def test_a_console_page_may_speak_to_its_line_and_to_nothing_else(reader, hospital) -> None:
    session_id, job = opened(hospital, reader, "serial")
    page = reader("sysadmin").get(f"/consoles/{session_id}", headers={"Host": "box.test:9443"})
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "connect-src 'self' wss://box.test:9446;" in policy
    assert "unsafe" not in policy
    other = reader("sysadmin").get("/vms").headers["Content-Security-Policy"]
    assert "wss" not in other
    cancel(hospital, job)


@pytest.mark.parametrize("host", ["a;b", "a b", "box.test:99999", "[::1", "x'y"])
def test_a_host_that_is_none_never_reaches_the_policy(host, app, hospital) -> None:
    with app.test_request_context("/", headers={"Host": host}), pytest.raises(BadInput):
        console._line(SimpleNamespace(settings=hospital.settings))


def test_an_ipv6_host_is_a_host(app, hospital) -> None:
    with app.test_request_context("/", headers={"Host": "[fd00::1]:8443"}):
        assert console._line(SimpleNamespace(settings=hospital.settings)) == "wss://[fd00::1]:8446"


def test_the_page_gets_its_ticket_when_the_worker_has_opened_it(reader, hospital) -> None:
    session_id, job = opened(hospital, reader, "screen")
    person, path = reader("sysadmin"), f"/consoles/{session_id}/ticket"
    waiting = person.post(path)
    assert (waiting.status_code, "waits" in waiting.json) == (202, True)
    with transaction(hospital.engine) as session:
        end(session, session.get(Job, job.id), State.SUCCEEDED, None)
    assert len(person.post(path).json["ticket"]) > 40
    with transaction(hospital.engine) as session:
        row = session.get(ConsoleSession, session_id)
        assert row.ticket_hash
        row.state, row.why = "closed", "over"
    told = person.post(path)
    assert (told.status_code, told.json["error"]["code"]) == (409, "console.over")


def test_a_failed_opening_is_told_in_the_jobs_own_words(reader, hospital) -> None:
    session_id, job = opened(hospital, reader, "screen")
    error = {"code": "driver.not_running", "message": {"zh": "未运行", "en": "off"}, "hint": {}}
    with transaction(hospital.engine) as session:
        end(session, session.get(Job, job.id), State.FAILED, error)
    told = reader("sysadmin").post(f"/consoles/{session_id}/ticket")
    assert told.json["error"]["code"] == "driver.not_running"
    with transaction(hospital.engine) as session:
        session.get(ConsoleSession, session_id).state = "failed"


def test_nobody_takes_anothers_console_but_an_auditor_cuts_it(reader, hospital) -> None:
    session_id, job = opened(hospital, reader, "watch")
    for who in ("secadmin", "audadmin", "labdept"):
        assert reader(who).get(f"/consoles/{session_id}").status_code == 403, who
        assert reader(who).post(f"/consoles/{session_id}/ticket").status_code == 403, who
    assert reader("assessor").post(f"/consoles/{session_id}/cut").status_code == 403
    assert reader("audadmin").post(f"/consoles/{session_id}/cut").status_code == 303
    with reading(hospital.engine) as session:
        row = session.get(ConsoleSession, session_id)
        assert (row.state, "audadmin" in row.why) == ("closed", True)
        acts = select(AuditEntry).where(AuditEntry.act == "console.cut")
        told = json.loads(session.scalars(acts.order_by(AuditEntry.number.desc())).first().detail)
        assert told["session"] == session_id
    cancel(hospital, job)


def test_a_rollback_page_names_what_is_lost(reader, hospital) -> None:
    with reading(hospital.engine) as session:
        kept = session.get(Snapshot, hospital.ids["snapshot_id"])
    path = f"/vms/{kept.vm_id}/snapshots/{kept.id}/rollback"
    text = reader("sysadmin").get(path).get_data(as_text=True)
    assert kept.volumes[0] in text
    assert "请先停止" in text
