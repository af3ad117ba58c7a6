"""The guest agent's protocol against a stand-in at the wire: JSON in, JSON out."""

import base64
import json

import pytest

from controller.drivers import guest
from controller.drivers.base import AgentSilent


class Wire:
    """Answers as qemu-guest-agent does (QEMU's qga/qapi-schema.json)."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.asked = []

    def __call__(self, command, wait):
        told = json.loads(command)
        self.asked.append(told)
        if told["execute"] == "guest-exec":
            return json.dumps({"return": {"pid": 7}})
        return json.dumps({"return": self.statuses.pop(0)})


def done(**more):
    return {"exited": True, "exitcode": 0, **more}


def test_output_and_input_travel_whole():
    wire = Wire({"exited": False}, done(**{"out-data": base64.b64encode(b"\x00out").decode()}))
    said = guest.run(wire, ["/bin/sh", "-s"], stdin="脚本".encode(), timeout=5)
    assert (said.code, said.out, said.err) == (0, b"\x00out", b"")
    arguments = wire.asked[0]["arguments"]
    assert (arguments["path"], arguments["arg"]) == ("/bin/sh", ["-s"])
    assert base64.b64decode(arguments["input-data"]).decode() == "脚本"
    assert [a["execute"] for a in wire.asked[1:]] == ["guest-exec-status"] * 2


def test_a_program_killed_by_a_signal_has_the_shells_code():
    assert guest.run(Wire({"exited": True, "signal": 9}), ["x"]).code == 137


def test_a_program_that_does_not_end_is_given_up():
    wire = Wire(*[{"exited": False}] * 50)
    with pytest.raises(guest.GuestTimeout):
        guest.run(wire, ["sleep"], timeout=0.5)


def test_a_silent_agent_is_an_answer_to_ping_only():
    def silent(_command, _wait):
        raise AgentSilent(name="vm", why="no")

    assert guest.ping(silent) is False
    with pytest.raises(AgentSilent):
        guest.run(silent, ["x"])
