"""Files by folder at a leg: whole before offered, settled once, published whole, never written over."""

import asyncio
import json
import os
import threading

import pytest
import uvloop

from network.gateway import drop as drop_module
from network.gateway import placing
from network.gateway.drop import Drop, Offer, Outgoing
from network.gateway.frames import Frame, Kind
from network.gateway.placing import NotPlaced, place
from network.gateway.refusals import Busy

NAME = "报告 1.pdf"
DELIVERY = "5f0c2b1e-0000-4000-8000-000000000001"


@pytest.fixture
def spool(tmp_path):
    for part in ("extranet/in", "extranet/out/reports", "extranet/refused", "guard/extranet"):
        (tmp_path / part).mkdir(parents=True)
    return tmp_path


def put(spool, name, data=b"x", channel="reports"):
    path = spool / "extranet/out" / channel / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_file_is_whole_when_it_has_not_changed_for_a_while(spool):
    seen = Outgoing(spool / "extranet/out")
    path = put(spool, NAME)
    assert seen.whole(0.0) == []
    assert seen.whole(0.9) == []
    path.write_bytes(b"xy")
    assert seen.whole(1.5) == []
    assert seen.whole(2.4) == []
    (found,) = seen.whole(2.5)
    assert (found.channel, found.name, found.form.size) == ("reports", NAME, 2)


def test_what_is_not_a_plain_finished_file_is_left_alone(spool):
    out = spool / "extranet/out/reports"
    for name in (".hidden", "half.part"):
        put(spool, name)
    (out / "link").symlink_to("/etc/passwd")
    (out / "folder").mkdir()
    os.mkfifo(out / "fifo")
    (spool / "extranet/out/stray").write_bytes(b"in no channel's folder")
    seen = Outgoing(spool / "extranet/out")
    seen.whole(0.0)
    assert seen.whole(5.0) == []


def test_the_oldest_file_of_each_folder_comes_first(spool):
    for n, (channel, name) in enumerate([("a", "z"), ("a", "b"), ("c", "d")]):
        os.utime(put(spool, name, channel=channel), ns=(n, n))
    seen = Outgoing(spool / "extranet/out")
    seen.whole(0.0)
    assert [(o.channel, o.name) for o in seen.whole(2.0)] == [("a", "z"), ("c", "d")]


class Desk:
    """Keeps what was asked."""

    def __init__(self):
        self.asks = []

    def asked(self, door, slot, asked):
        self.asks.append((slot, asked))


async def until(holds, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


def offered(spool, settle, *, after=lambda drop, desk: asyncio.sleep(0)):
    """Let a drop offer what lies there, settle the first offer, then do `after`."""

    before = threading.active_count()

    async def run():
        desk = Desk()
        drop = Drop(desk, spool, "extranet", "10.88.0.2")
        for now in (10.0, 12.0):
            drop.check(now)
            await until(lambda: not drop._looking)
        assert len(desk.asks) == 1
        assert threading.active_count() - before <= 2
        settle(drop, *desk.asks[0])
        await until(lambda: not drop._open)
        await after(drop, desk)
        drop.close()
        return desk

    return uvloop.run(run())


def test_an_offer_names_the_file_and_an_accepted_one_is_removed(spool):
    path = put(spool, NAME, b"12345")

    def settle(drop, slot, asked):
        drop.answer(slot, 202, "", b"{}")

    desk = offered(spool, settle)
    asked = desk.asks[0][1]
    assert (asked.method, asked.target) == ("FILE", "/reports/%E6%8A%A5%E5%91%8A%201.pdf")
    assert json.loads(asked.body) == {"name": NAME, "channel": "reports", "size": 5}
    assert asked.target.isascii()
    assert not path.exists()


def test_another_file_that_took_the_name_is_not_removed_with_it(spool):
    path = put(spool, NAME)

    def settle(drop, slot, asked):
        path.unlink()
        path.write_bytes(b"another")
        drop.answer(slot, 202, "", b"{}")

    offered(spool, settle)
    assert path.read_bytes() == b"another"


def test_a_refused_file_is_put_aside_with_the_reason(spool):
    put(spool, NAME, b"bad")
    aside = spool / "extranet/refused/reports"
    aside.mkdir()
    (aside / NAME).write_bytes(b"an earlier one")

    def settle(drop, slot, asked):
        drop.answer(slot, 422, "", b'{"code":"gateway.malware"}')

    offered(spool, settle)
    assert not list((spool / "extranet/out/reports").iterdir())
    bad = [p for p in aside.iterdir() if p.suffix == ".pdf" and p.name != NAME]
    assert bad[0].read_bytes() == b"bad"
    reason = aside / f"{bad[0].name}.reason.json"
    assert json.loads(reason.read_bytes())["code"] == "gateway.malware"
    assert (aside / NAME).read_bytes() == b"an earlier one"


@pytest.mark.parametrize("how", ["503", "429", "busy leg"])
def test_what_cannot_be_taken_now_is_offered_again_later(spool, monkeypatch, how):
    monkeypatch.setattr(drop_module, "_LATER", (0.05,))
    path = put(spool, NAME)

    def settle(drop, slot, asked):
        if how == "busy leg":
            drop.deny(slot, Busy())
        else:
            drop.answer(slot, int(how), "", b"{}")

    async def after(drop, desk):
        drop.check(20.0)
        await until(lambda: not drop._looking)
        assert len(desk.asks) == 1  # not at once
        await asyncio.sleep(0.06)
        drop.check(21.0)
        await until(lambda: len(desk.asks) == 2)

    offered(spool, settle, after=after)
    assert path.exists()


def call(body=None, **changes):
    told = {"name": NAME, "channel": "reports", "size": 5} if body is None else body
    given = {"method": "FILE", "target": "/" + "ab" * 16, "peer": "reports", "delivery": DELIVERY}
    given |= {"limit": 2000, **changes}
    return Frame(Kind.CALL, 1, body=json.dumps(told).encode(), **given)


@pytest.fixture
def given(spool):
    (spool / "guard/extranet" / ("ab" * 16)).write_bytes(b"12345")
    return spool / "guard/extranet", spool / "extranet/in"


def test_a_file_appears_whole_under_its_name_and_once(given):
    source, inbox = given
    assert place(source, inbox, call()) == NAME
    folder = inbox / "reports"
    assert (folder / NAME).read_bytes() == b"12345"
    assert (folder / NAME).stat().st_nlink == 1
    (folder / NAME).unlink()  # its reader took it
    place(source, inbox, call())
    assert not [p for p in folder.iterdir() if not p.name.startswith(".")]


def test_no_file_is_written_over(given):
    source, inbox = given
    place(source, inbox, call())
    other = place(source, inbox, call(delivery=DELIVERY.replace("1", "2")))
    assert other != NAME
    assert other.endswith(".pdf")
    assert len([p for p in (inbox / "reports").iterdir() if p.is_file()]) == 2


def test_a_crash_after_the_link_gives_no_second_file(given):
    source, inbox = given
    place(source, inbox, call())
    folder = inbox / "reports"
    (folder / ".done" / DELIVERY).unlink()
    os.link(folder / NAME, folder / ".part" / DELIVERY)
    place(source, inbox, call())
    assert [p.name for p in folder.iterdir() if p.is_file()] == [NAME]


def test_a_crash_in_the_copy_is_made_good(given):
    source, inbox = given
    (inbox / "reports/.part").mkdir(parents=True)
    (inbox / "reports/.part" / DELIVERY).write_bytes(b"12")
    place(source, inbox, call())
    assert (inbox / "reports" / NAME).read_bytes() == b"12345"


@pytest.mark.parametrize(
    "wrong",
    [
        call(target="/../policy.signed"), call(target="/nothing"), call(target="/" + "cd" * 16),
        call(peer="../in"), call(peer=".hidden"), call(peer=""), call(delivery="../../x"),
        call({"name": "../x", "size": 5}), call({"name": ".x", "size": 5}),
        call({"name": "a\nb", "size": 5}), call({"name": "a" * 300, "size": 5}),
        call({"name": "", "size": 5}), call({"size": 5}), call({"name": NAME, "size": 6}),
    ],
)  # fmt: skip
def test_an_unlawful_call_places_nothing(given, wrong):
    source, inbox = given
    with pytest.raises(NotPlaced):
        place(source, inbox, wrong)
    assert not [p for p in inbox.rglob("*") if p.is_file() and ".part" not in p.parts]


def test_a_link_in_the_outbox_is_not_followed(given):
    source, inbox = given
    (source / ("ef" * 16)).symlink_to("/etc/passwd")
    with pytest.raises(NotPlaced):
        place(source, inbox, call(target="/" + "ef" * 16))


def test_a_delivery_by_call_says_what_came_of_it(given, spool):
    async def run():
        drop = Drop(Desk(), spool, "extranet", "10.88.0.2")
        good = await drop.make(call())
        bad = await drop.make(call(target="/" + "cd" * 16, delivery=DELIVERY.replace("1", "2")))
        drop.close()
        return good, bad

    good, bad = uvloop.run(run())
    assert (good.kind, good.status, good.code) == (Kind.RESULT, 200, "")
    assert (bad.status, bad.code) == (0, "No such file or directory")


def test_old_marks_are_forgotten(given, spool):
    source, inbox = given
    place(source, inbox, call())
    mark = inbox / "reports/.done" / DELIVERY
    placing.forget(inbox)
    assert mark.exists()
    os.utime(mark, (0, 0))
    placing.forget(inbox)
    assert not mark.exists()


def test_an_offer_is_a_mark_of_its_own():
    with pytest.raises(TypeError):
        Drop.answer(None, "not an offer", 200, "", b"")
    assert Offer.__dataclass_params__.frozen
