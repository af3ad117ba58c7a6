"""HL7 v2 over MLLP through the real gateway: an appointment from the extranet reaches the HIS."""

import contextlib
import socket
import threading

import pytest

from appliance.clock import pause
from network.gateway import transfers
from network.gateway.channel import Channel, Part
from network.gateway.hl7.message import parse
from tests.netns.world import CHANNELS, EXT_MODULE, INT_MODULE, STATED, World, in_namespace
from tests.unit.network.mllp_talk import acknowledgement, frames, message, shown

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]

APPOINTMENTS = Channel(
    "siu", "extranet->intranet", "store", EXT_MODULE, f"mllp://{INT_MODULE}:2575", **STATED,
    protocol="hl7v2", types=("SIU^S12",), time_limit=2.0, rate=600000, attempts=20,
    parts=(Part("SCH-1"), Part("PID-3", required=True), Part("PID-5"), Part("AIG-3")),
)  # fmt: skip


class His:
    """The hospital's system: one thread per connection, acknowledges what it takes."""

    def __init__(self, world: World, delay: float = 0.0) -> None:
        self.got: list[bytes] = []
        self.peers: list[str] = []
        self.delay = delay

        def listen() -> socket.socket:
            made = socket.socket()
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((INT_MODULE, 2575))
            made.listen(16)
            return made

        self._socket = in_namespace(world.machines["int"], listen)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                link, where = self._socket.accept()
            except OSError:
                return
            self.peers.append(where[0])
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        with link, contextlib.suppress(OSError):  # a leg that was killed resets
            rest = b""
            while data := link.recv(65536):
                *whole, rest = (rest + data).split(b"\x1c\r")
                for frame in whole:
                    self._take(link, frame[1:])

    def _take(self, link: socket.socket, raw: bytes) -> None:
        self.got.append(raw)
        pause(self.delay)
        own = parse(raw).head.get(10).encode()
        said = acknowledgement("AA", "").replace(b"|\r", b"|%s\r" % own)
        link.sendall(b"\x0b" + said + b"\x1c\r")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def mllp(world):
    world.issue(*CHANNELS, APPOINTMENTS)
    world.start()
    return world


def sent(world, *pieces, answers):
    """Send the pieces on one connection of the module; return the acknowledgements."""
    leg = (world.plan.extranet.leg_address, 2575)
    link = in_namespace(world.machines["ext"], lambda: socket.create_connection(leg, timeout=20))
    got = b""
    with link:
        for piece in pieces:
            link.sendall(piece)
        while got.count(b"\x1c\r") < answers:
            data = link.recv(65536)
            assert data, world.logs()
            got += data
    return [shown(frame) for frame in frames(got)]


def framed(name):
    return b"\x0b" + message(name) + b"\x1c\r"


def test_appointments_reach_the_his_in_order_and_in_their_own_charset(mllp):
    his = His(mllp)
    try:
        both = framed("A1") + b"\0" + framed("U1")
        assert sent(mllp, both[:100], both[100:], framed("trail"), answers=3) == [
            "AA A1", "AA U1", "AA TR",
        ]  # fmt: skip
        mllp.until(lambda: len(his.got) == 3)
    finally:
        his.close()
    first, second, third = map(parse, his.got)
    assert [m.head.get(10) for m in (first, second, third)] == ["A1", "U1", "TR"]
    assert [m.head.codec for m in (first, second, third)] == ["gb18030", "utf-8", "gb18030"]
    assert (first.field("PID", 5), third.field("PID", 5)) == ("张三", "魚館誠鍇")
    # What no part allows is not there: birth date, sex, sending facility.
    assert (first.field("PID", 7), first.field("PID", 8), first.head.get(4)) == ("", "", "")
    assert set(his.peers) == {mllp.plan.intranet.leg_address}
    told = list(transfers.read(mllp.layout.journal))
    accepted = [t for t in told if t.event == "accepted"]
    assert [t.kind for t in accepted] == ["SIU^S12"] * 3
    assert all(t.dropped >= 3 for t in accepted)


def test_a_refusal_names_the_reason_and_costs_nothing(mllp):
    his = His(mllp)
    try:
        said = sent(mllp, framed("other-type") + framed("lie-utf8") + framed("A1"), answers=3)
        assert said == ["AR O1", "AR X1", "AA A1"]
        mllp.until(lambda: len(his.got) == 1)
    finally:
        his.close()
    rules = [t.rule for t in transfers.read(mllp.layout.journal) if t.event == "refused"]
    assert rules == ["gateway.no_channel", "gateway.body_refused"]


def test_what_was_acknowledged_is_delivered_whatever_dies(mllp):
    said = sent(mllp, framed("A1") + framed("A2"), answers=2)
    assert said == ["AA A1", "AA A2"]  # nobody listens in the intranet yet
    mllp.kill("guard")
    his = His(mllp, delay=0.3)
    try:
        mllp.until(lambda: len(his.got) >= 1)
        mllp.kill("back")
        mllp.until(lambda: b"|A2|" in b"".join(his.got))
    finally:
        his.close()
    ids = [parse(raw).head.get(10) for raw in his.got]
    assert list(dict.fromkeys(ids)) == ["A1", "A2"]


def test_the_same_message_again_is_acknowledged_and_not_delivered_twice(mllp):
    his = His(mllp)
    try:
        assert sent(mllp, framed("A1"), framed("A1"), answers=2) == ["AA A1", "AA A1"]
        mllp.until(lambda: len(his.got) == 1)
        mllp.kill("front")
        assert sent(mllp, framed("A1") + framed("A2"), answers=2) == ["AA A1", "AA A2"]
        mllp.until(lambda: len(his.got) == 2)
    finally:
        his.close()
    assert [parse(raw).head.get(10) for raw in his.got] == ["A1", "A2"]
