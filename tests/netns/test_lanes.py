"""Files with a real scanner, and an operator's orders, through the real processes."""

import json
import os
import tempfile
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.clock import iso, monotonic
from network.gateway import orders, transfers
from network.gateway.channel import Channel, Resource
from tests.netns.test_gateway import APPOINTMENT, events
from tests.netns.test_scan import EICAR, OWN, Clamd
from tests.netns.world import CHANNELS, EXT_MODULE, INT_MODULE, STATED, World

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]

PDF = b"%PDF-1.7\n" + b"report of a patient\n" * 1000
REPORTS = Channel(
    "reports", "intranet->extranet", "store", INT_MODULE, "files://reports", protocol="files",
    media=("application/pdf",), body_limit=64 << 20, attempts=3, **STATED,
)  # fmt: skip
LETTERS = replace(REPORTS, id="letters", direction="extranet->intranet", target="files://letters")
DOCUMENTS = Channel(
    "documents", "extranet->intranet", "store", EXT_MODULE, f"http://{INT_MODULE}:8080", protocol="fhir",
    path="/r4", resources=(Resource("DocumentReference", ("create",), whole=True),), **STATED,
)  # fmt: skip


@pytest.fixture(scope="module")
def running():
    """A gateway with channels of files both ways and a real clamd, for all tests of this module."""
    with tempfile.TemporaryDirectory(prefix="hbox-test-") as folder:
        Path(folder).chmod(0o755)
        world = World(Path(folder))
        aside = Path(folder) / "clamd"
        aside.mkdir(mode=0o755)
        clamd = Clamd(aside)
        try:
            clamd.start()
            world.layout = replace(world.layout, clamd=clamd.socket)
            world.clamd = clamd
            channels = (*CHANNELS, REPORTS, LETTERS, DOCUMENTS)
            world.issue(*(replace(c, attempts=2) if c.id == "booking" else c for c in channels))
            world.start()
            world.his = world.receiver("int", lambda *_: (200, b""))
            yield world
        finally:
            clamd.stop()
            world.close()


def offer(world, side, channel, name, data):
    """Put a file where the leg of `side` finds it, as a system of that side would."""
    owner = world.layout.account("front" if side == "extranet" else "back")
    folder = world.layout.spool / side / "out" / channel
    folder.mkdir(exist_ok=True)
    for path, mode in ((folder, 0o2750), (folder / f".{name}", 0o640)):
        if path != folder:
            path.write_bytes(data)
        os.chown(path, owner.uid, world.layout.account("guard").gid)
        path.chmod(mode)
    (folder / f".{name}").rename(folder / name)
    return folder / name


def came(world, side, channel):
    return {p.name: p for p in (world.layout.spool / side / "in" / channel).glob("[!.]*")}


def events_of(world, channel):
    return [t.event for t in transfers.read(world.layout.journal) if t.channel == channel]


def kept(world):
    return [p for p in (world.layout.spool / "guard").glob("*/*") if p.is_file()]


@pytest.mark.parametrize(
    ("side", "far", "channel"),
    [("intranet", "extranet", "reports"), ("extranet", "intranet", "letters")],
)
def test_a_file_crosses_scanned_and_leaves_nothing_behind(running, side, far, channel):
    name = "报告-2026.pdf"
    put = offer(running, side, channel, name, PDF)
    running.until(lambda: came(running, far, channel))
    running.until(lambda: not put.exists() and not kept(running))
    (file,) = came(running, far, channel).values()
    assert file.read_bytes() == PDF
    assert "报告" in file.name
    last = [t for t in transfers.read(running.layout.journal) if t.channel == channel]
    assert [t.event for t in last] == ["accepted", "delivered"]
    assert "报告" not in str(last)


@pytest.mark.parametrize(
    ("bad", "name"), [(OWN, "HBox.Test.Own"), (b"\n" + EICAR, "HBox.Test.Eicar")]
)
def test_malware_is_found_by_the_real_scanner_and_put_aside(running, bad, name):
    put = offer(running, "intranet", "reports", "bad.pdf", PDF + bad)
    aside = running.layout.spool / "intranet" / "refused" / "reports"
    running.until(lambda: not put.exists())
    reason = max(aside.glob("*bad.pdf.reason.json"), key=lambda p: p.stat().st_mtime_ns)
    told = json.loads(reason.read_text())
    assert told["code"] == "gateway.malware"
    assert name in told["message"]["zh"]
    assert "bad.pdf" not in came(running, "extranet", "reports")
    assert kept(running) == []
    last = [t for t in transfers.read(running.layout.journal) if t.rule == "gateway.malware"][-1]
    assert (last.event, last.channel, name in last.note) == ("refused", "reports", True)


def document(*parts):
    attachments = [{"contentType": "application/pdf", "data": b64encode(p).decode()} for p in parts]
    content = [{"attachment": attachment} for attachment in attachments]
    return {"resourceType": "DocumentReference", "status": "current", "content": content}


def test_attachments_of_a_resource_are_scanned_by_the_real_scanner(running):
    clean, bad = document(PDF, b"%PDF-1.4 other"), document(PDF, b"%PDF-1.4 " + EICAR)
    assert running.ask("ext", "POST", "/r4/DocumentReference", clean).status == 202
    reply = running.ask("ext", "POST", "/r4/DocumentReference", bad)
    assert (reply.status, reply.json["code"]) == (422, "gateway.malware")
    running.until(lambda: [t for t in events_of(running, "documents") if t == "delivered"])
    path, _, body = next(got for got in running.his.got if got[0].startswith("/r4"))
    assert (path, json.loads(body)) == ("/r4/DocumentReference", clean)
    assert sorted(events_of(running, "documents")) == ["accepted", "delivered", "refused"]


def test_a_large_file_crosses_while_messages_pass(running):
    data = b"%PDF-1.7\n" + os.urandom(48 << 20)
    offer(running, "intranet", "reports", "large.pdf", data)
    slowest = 0.0
    while "large.pdf" not in came(running, "extranet", "reports"):
        began = monotonic()
        assert running.ask("ext", "POST", "/fhir/Appointment", APPOINTMENT).status == 202
        slowest = max(slowest, monotonic() - began)
    assert came(running, "extranet", "reports")["large.pdf"].read_bytes() == data
    assert slowest < 2.0, f"{slowest:.2f} s"


def test_a_scanner_that_is_away_holds_files_back_and_nothing_else(running):
    running.clamd.stop()
    put = offer(running, "intranet", "reports", "later.pdf", PDF)
    rule = "gateway.scanner_away"
    running.until(lambda: rule in [t.rule for t in transfers.read(running.layout.journal)])
    assert running.ask("ext", "POST", "/fhir/Appointment", APPOINTMENT).status == 202
    assert put.exists()
    running.clamd.start()
    running.until(lambda: "later.pdf" in came(running, "extranet", "reports"), 90)


def test_orders_reach_the_running_guard(running):
    his = running.his
    his.answer = lambda *_: (500, b"")
    before = events(running).count("dead")
    assert running.ask("ext", "POST", "/fhir/Appointment", APPOINTMENT).status == 202
    running.until(lambda: events(running).count("dead") > before)
    letter = [t for t in transfers.read(running.layout.journal) if t.event == "dead"][-1]
    given = []

    def order(op, **about):
        given.append(orders.Order(len(given) + 1, op, "ops", iso(), **about))
        orders.write(running.layout.folder, given, running.key)
        running.until(lambda: events(running).count("ordered") == len(given))

    his.answer = lambda *_: (200, b"")
    order("pause", channel="booking")
    order("rerun", delivery=letter.delivery)
    assert letter.delivery not in [
        t.delivery for t in transfers.read(running.layout.journal) if t.event == "delivered"
    ]
    running.kill("guard")
    order("resume", channel="booking")
    running.until(lambda: letter.delivery in [
        t.delivery for t in transfers.read(running.layout.journal) if t.event == "delivered"])  # fmt: skip
    assert not [t for t in transfers.read(running.layout.journal) if t.rule == "gateway.order_void"]
