"""Tables and texts behind the gateway's separation: rooms, doors, pipes, frames made by hand."""

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import TooLarge
from network.gateway import craft, echo, pipes, probing, seccomp
from network.gateway.layout import NAMES, Layout
from network.gateway.listening import Listen, listening, render
from network.gateway.rooms import room
from tests.netns.world import CHANNELS

LAYOUT = Layout()
EXT = CHANNELS[0]


def test_a_side_listens_on_what_its_channels_say():
    assert listening(CHANNELS, "extranet", 8080) == (Listen("http", 8080),)
    secure = replace(EXT, id="s", tls="sm", client_cert="0" * 64)
    other = replace(EXT, id="o", port=9000)
    doors = listening([*CHANNELS, secure, other], "extranet", 8080)
    assert doors == (
        Listen("http", 8080),
        Listen("http", 8443, "sm", client_cert=True),
        Listen("http", 9000),
    )
    assert json.loads(render(doors))[1] == {
        "wire": "http",
        "port": 8443,
        "tls": "sm",
        "client_cert": True,
    }
    assert (
        listening([], "intranet", 8080)
        == listening([EXT], "intranet", 8080)
        == (Listen("http", 8080),)
    )


def test_one_port_is_one_door():
    with pytest.raises(ValueError, match="another door"):
        listening([EXT, replace(EXT, id="t", tls="tls", port=8080)], "extranet", 8080)


def test_no_two_rooms_may_write_to_one_folder_and_legs_see_nothing_of_each_other():
    rooms = {name: room(LAYOUT, name) for name in NAMES}
    writable = [path for one in rooms.values() for path in one.writable]
    assert len(writable) == len(set(writable)) == 4
    for path in writable:
        assert not [other for other in writable if other != path and other.is_relative_to(path)]
    seen = {name: {*one.shown, *one.writable} for name, one in rooms.items()}
    assert not seen["front"] & seen["back"]
    for name in ("front", "back", "scan"):
        assert LAYOUT.folder.parent in rooms[name].hidden
        assert not [p for p in seen[name] if LAYOUT.folder.is_relative_to(p)]
        assert not [p for p in seen[name] if p.is_relative_to(LAYOUT.journal)]
    for one in rooms.values():
        assert {Path("/run"), Path("/tmp")} <= set(one.hidden)
        assert not [p for p in (*one.shown, *one.writable) if p.is_relative_to(LAYOUT.keys)]
    assert rooms["scan"].writable == ()


def test_pipes_join_nothing_but_the_guard():
    made = pipes.Pipes()
    try:
        ends = {name: made.ends(name) for name in NAMES}
        assert [len(ends[name]) for name in NAMES] == [2, 6, 2, 2]
        places = {
            name: [str(Path(f"/proc/self/fd/{end}").readlink()) for end in ends[name]]
            for name in NAMES
        }
        for one in ("front", "back", "scan"):
            assert set(places[one]) < set(places["guard"])
            assert not set(places[one]) & {
                p for o in ("front", "back", "scan") if o != one for p in places[o]
            }
        for number, one in enumerate(("front", "back", "scan")):
            os.write(ends[one][1], b"up")
            assert os.read(ends["guard"][2 * number], 9) == b"up"
            os.write(ends["guard"][2 * number + 1], b"down")
            assert os.read(ends[one][0], 9) == b"down"
    finally:
        made.close()


def test_secrets_lie_in_a_pipe_that_ends():
    reader = pipes.filled(b'{"key": "x"}')
    assert (os.read(reader, 99), os.read(reader, 99)) == (b'{"key": "x"}', b"")
    os.close(reader)
    full = pipes.filled(b"x" * 60_000)
    os.close(full)
    with pytest.raises(TooLarge):
        pipes.filled(b"x" * 60_001)


def test_frames_made_by_hand_have_right_checksums():
    packet = craft.udp4("10.88.0.253", "10.66.0.2", b"word")
    assert echo.checksum(packet[:20]) == 0
    assert packet[12:20] == socket.inet_aton("10.88.0.253") + socket.inet_aton("10.66.0.2")
    assert echo.checksum(echo.packet(8, 7)) == 0
    tagged = craft.ethernet(craft.BROADCAST, b"\2" * 6, craft.ARP, b"x", (craft.VLAN, 66))
    assert tagged[12:18] == bytes.fromhex("810000420806")
    assert len(tagged) == 60


def test_every_process_has_a_filter_of_its_own_kind():
    told = {name: seccomp.described(seccomp.FILTERS[name]()) for name in NAMES}
    assert [told[name]["rest"] for name in NAMES] == ["allowed", "refused", "allowed", "refused"]
    assert told["front"] == told["back"]
    assert len({str(one["digest"]) for one in told.values()}) == 3
    assert "socket" not in seccomp.GUARD_ALLOWED
    for passing in (
        "sendmsg",
        "recvmsg",
        "sendmmsg",
        "recvmmsg",
        "bind",
        "listen",
        "accept",
        "accept4",
    ):
        assert passing not in seccomp.SCAN_ALLOWED


def test_probes_have_names_of_their_own():
    assert len(probing.NAMES) == len(set(probing.NAMES)) > 60
