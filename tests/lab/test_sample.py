"""The sample hospital on a real node: what `make up` does and promises, looked at from outside."""

import urllib.request

import pytest

from appliance.clock import monotonic, pause
from appliance.progress import Progress
from appliance.signing import VerifyKey
from compliance.verify import BadReport, verify
from images.cache import default
from images.lab.forward import free_port
from images.sample import visit
from images.sample.commands import UNITS
from images.sample.deploy import deploy
from images.sample.desk import AUDIT, SECURITY, SYSTEM, Desk

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def desk(the_lab, tmp_path_factory):
    the_lab.nodes[0].wait_ready(units=UNITS)
    desk = Desk(the_lab.nodes[0])
    desk.wait()
    folder = tmp_path_factory.mktemp("sample")
    deploy(desk, folder, default(), Progress(folder / "progress.json"))
    deploy(
        desk, folder, default(), Progress(folder / "progress.json")
    )  # a second run changes nothing
    yield desk
    for module in ("appointment", "his-standin"):
        desk.tell(SYSTEM, "module", "remove", module)
    for vm in ("appointment", "his"):
        desk.tell(SYSTEM, "vm", "delete", vm)
    assert desk.node.run(["ls", "-A", "/var/lib/hbox/volumes"]).text == ""


@pytest.fixture(scope="module")
def base(the_lab, desk):
    port = free_port()
    address = desk.names("vm", "list")["appointment"]["address"]
    the_lab.forward(port, "ext", f"{address}:8080")
    return f"http://127.0.0.1:{port}"


def test_a_patient_books_through_the_gateway_and_both_sides_see_it(desk, base):
    for hl7 in (False, True):
        seen = visit.go(base, name="张示范", phone="13800138000", hl7=hl7)
        assert seen.answer == "booked"
    wanted = {
        ("slot-read", "extranet->intranet", "answered"),
        ("booking", "extranet->intranet", "delivered"),
        ("booking-answer", "intranet->extranet", "delivered"),
        ("booking-hl7", "extranet->intranet", "delivered"),
        ("booking-hl7-answer", "intranet->extranet", "delivered"),
    }
    deadline = monotonic() + 20  # the index follows the journal every few seconds
    while not wanted <= (states := _states(desk)):
        assert monotonic() < deadline, states
        pause(0.5)
    desk.node.run(["hbox", "gateway", "verify"])


def _states(desk):
    moved = desk.ask(SYSTEM, "gateway", "transfers")
    return {(one["channel"], one["direction"], one["state"]) for one in moved}


def test_what_crossed_can_be_supervised(desk, base):
    """Search, a look under audit, alerts, an export, a report, a signed head: on the real node."""
    del base
    booked = desk.ask(
        SYSTEM, "gateway", "transfers", "--who", "appointment", "--channel", "booking"
    )
    number = str(booked[0]["number"])
    look = ("gateway", "look", number, "--reason", "supervision is being tested")
    told = desk.ask(SECURITY, *look)
    assert told["form"] == "json"
    assert "Appointment" in told["text"]
    assert "示范" not in told["text"]
    assert "示范" in desk.ask(SECURITY, *look, "--clear")["text"]
    entries = [e for e in desk.ask(AUDIT, "audit", "list") if e["act"] == "gateway.look"]
    assert {"submitted", "succeeded"} <= {e["outcome"] for e in entries}
    assert any("supervision is being tested" in e["detail"] for e in entries)
    assert (
        desk.node.run(["sh", "-c", "! grep -rl 示范 /var/lib/hbox/looks /var/lib/hbox/db"]).code
        == 0
    )
    assert isinstance(desk.ask(AUDIT, "gateway", "alert", "list", "--all"), list)
    desk.tell(AUDIT, "gateway", "export", "--channel", "booking", "--out", "/tmp/hbox-export")
    assert "booking" in desk.node.run(["cat", "/tmp/hbox-export/hbox-transfers.csv"]).text
    today = desk.node.run(["env", "TZ=CST-8", "date", "+%F"]).text.strip()
    desk.tell(AUDIT, "gateway", "report", today, "--make", "--out", "/tmp/hbox-daily.html")
    assert "数据交换日报" in desk.node.run(["cat", "/tmp/hbox-daily.html"]).text
    heads = desk.node.run(["cat", "/var/lib/hbox/audit/journal-heads.jsonl"]).text
    assert '"sm2"' in heads


def test_the_same_slot_is_not_offered_again(desk, base):
    first = visit.go(base, name="李示范", phone="13800138001")
    assert first.slot not in [path.rsplit("/", 1)[1] for path in visit.Patient(base).free_slots()]


def test_nothing_else_crosses(desk, the_lab):
    front = "http://10.88.0.2:8080/fhir/Patient"
    refused = desk.node.local.run(
        the_lab.inside("ext", "curl", "-s", "-m", "5", front), check=False
    )
    assert refused.code != 0  # an outside party is not even let through to the leg
    desk.tell(SYSTEM, "gateway", "prove")
    (latest, *_) = desk.ask(SYSTEM, "gateway", "proofs")
    assert latest["open_ways"] == 0
    assert latest["level"] == "L1"


def test_compliance_is_run_signed_and_verified_offline(desk):
    desk.tell(SYSTEM, "compliance", "run")
    report, page = desk.report("json"), desk.report("html")
    key = VerifyKey.from_pem(desk.node.read("/var/lib/hbox/keys/report.key.pub"))
    verify(report, key, page)
    altered = report.replace(b'"violated"', b'"conform"', 1)
    assert altered != report
    for bad in (altered, report[:-40]):
        with pytest.raises(BadReport):
            verify(bad, key, page)
    with pytest.raises(BadReport):
        verify(report, key, page.replace(b"</body>", b"<p>x</p></body>"))


@pytest.mark.parametrize(
    "words",
    [
        "status",
        "vm list",
        "job list",
        "module list",
        "gateway transfers",
        "compliance show",
        "node list",
    ],
)
def test_every_reading_command_speaks_json(desk, words):
    assert desk.ask(SYSTEM, *words.split())


def test_the_chain_of_what_was_done_holds(desk):
    assert desk.ask(AUDIT, "audit", "verify")
    acts = {entry["act"] for entry in desk.ask(AUDIT, "audit", "list")}
    assert {"gateway.prove", "compliance.run"} <= acts


def test_roles_exclude_each_other(desk):
    for user, words in (
        (SYSTEM, "module approve appointment"),
        (SECURITY, "vm stop his"),
        (AUDIT, "vm stop his"),
    ):
        done = desk.node.run(["runuser", "-u", user, "--", "hbox", *words.split()], check=False)
        assert done.code == 1
        assert b"auth.forbidden" in done.err


def test_the_modules_pages_have_no_outside_assets(base):
    with urllib.request.urlopen(base + "/", timeout=20) as page:
        text = page.read().decode()
        policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http://" not in text.replace(base, "")
    assert "https://" not in text
