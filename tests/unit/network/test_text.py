"""A channel's text: canonical form and back, strict reading, errors that name line and field."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from network.gateway.channel import Channel, Part, Resource, Window
from network.gateway.inspect import Field
from network.gateway.located import line_of
from network.gateway.text import PENDING, ChannelInvalid, parse, render, with_persons

BOOKING = """\
# 预约申请 booking
id = "lab-report"
purpose = "检验报告推送 lab reports go out"
data_class = "3"
direction = "intranet->extranet"
lane = "store"

peer = "10.66.0.20"
target = "http://10.88.0.10:8080"
method = "POST"
path = "/fhir/Observation"
resource = "Observation"
request = [
  { path = "resourceType", type = "code", required = true, values = ["Observation"] },
  { path = "id", type = "id", required = true },
  { path = "status", type = "code" },
]
rate = 60
"""


def test_a_text_gives_its_channel_and_the_channel_its_text():
    channel = parse(BOOKING, "sysadmin", "secadmin")
    assert (channel.requester, channel.approver) == ("sysadmin", "secadmin")
    assert channel.request[1] == Field("id", "id", required=True)
    anew = render(channel)
    assert parse(anew, "sysadmin", "secadmin") == channel
    assert render(parse(anew)) == anew
    assert "approver" not in anew
    assert "# 用途" in anew
    assert "time_limit" not in anew  # its default


def test_every_field_of_a_channel_has_a_place_in_the_text():
    """A field that the writer forgot would be lost when a channel is shown and handed in again."""
    odd = {
        str: "x\"\\\n\t中", int: 7, float: 2.5, bool: True,
    }  # fmt: skip
    values = {
        "request": (Field("a", "code", required=True, values=("b",)),),
        "response": (Field("c[].d", "string", longest=9),),
        "resources": (Resource("Slot", ("read", "search"), ("start",), (Field("id", "id"),)),),
        "parts": (Part("PID-3", required=True), Part("PID-5.1", mask="name", carries=("phone",))),
        "windows": (Window((1, 2), "08:00", "18:00"), Window()),
        "query": ("a", "b"), "types": ("ADT^A04",), "media": ("pdf",),
        "method": "GET", "direction": "extranet->intranet", "lane": "request", "tls": "sm",
        "target_tls": "tls", "protocol": "hl7v2", "charset": "UTF-8", "leak": "mask",
    }  # fmt: skip
    given = {}
    for field in dataclasses.fields(Channel):
        if field.name in values:
            given[field.name] = values[field.name]
        else:
            kind = type(field.default) if field.default is not dataclasses.MISSING else str
            given[field.name] = odd[kind]
    channel = Channel(**given)
    raw = tomllib.loads(render(channel))
    assert set(raw) == {f.name for f in dataclasses.fields(Channel)} - {"approver", "requester"}
    from pydantic import TypeAdapter  # noqa: PLC0415 - the laws are not what is tried here

    raw |= {"approver": channel.approver, "requester": channel.requester}
    assert TypeAdapter(Channel).validate_python(raw) == channel


@pytest.mark.parametrize(
    ("change", "line", "field"),
    [
        (("rate = 60", "rate = 6O"), 18, "TOML"),
        (("rate = 60", 'rate = "60"'), 18, "rate"),
        (("rate = 60", "rate = 0"), 18, "rate"),
        (("rate = 60", "rat = 60"), 18, "rat"),
        (("rate = 60", "rate = true"), 18, "rate"),
        (("rate = 60", "time_limit = inf"), 0, "channel"),
        (("rate = 60", "issued = 2026-01-01"), 0, "channel"),
        (("rate = 60", 'approver = "me"'), 18, "approver"),
        (("rate = 60", 'requester = "me"'), 18, "requester"),
        (('lane = "store"\n', ""), 0, "lane"),
        (('type = "id", required', 'type = "name", required'), 15, "request[1].type"),
        (('type = "id", required', 'type = "id", requird'), 15, "request[1].requird"),
        (('"10.66.0.20"', '"10.66.0.x"'), 8, "peer"),
        (('"http://10.88.0.10:8080"', '"https://10.88.0.10:8080"'), 9, "target"),
        (('method = "POST"', 'method = "GET"'), 6, "lane"),
        (('"intranet->extranet"', '"out"'), 5, "direction"),
        (('id = "lab-report"', 'id = "../x"'), 2, "id"),
        (("# 预约申请", "# 预约\u202e申请"), 1, "U+202E"),
        (("# 预约申请", "# 预约\u200b申请"), 1, "U+200B"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_field(change, line, field):
    text = BOOKING.replace(*change)
    assert text != BOOKING
    with pytest.raises(ChannelInvalid) as caught:
        parse(text)
    told = caught.value.as_dict()
    assert (told["code"], told["fields"]["line"]) == ("gateway.channel_invalid", line)
    assert told["fields"]["field"] == field or field == "channel"
    assert told["hint"]["zh"]


def test_one_person_cannot_be_both():
    with pytest.raises(ChannelInvalid):
        parse(BOOKING, "secadmin", "secadmin")
    assert parse(BOOKING, "secadmin").approver == PENDING
    assert with_persons(parse(BOOKING), "a", "b").requester == "a"


def test_a_text_without_end_is_refused():
    with pytest.raises(ChannelInvalid):
        parse("#" * 200_000)
    with pytest.raises(ChannelInvalid):
        parse("a = " + "[" * 50_000)


def test_the_example_in_the_manual_is_one_that_the_gateway_takes():
    manual = (Path(__file__).parents[3] / "docs" / "gateway.md").read_text("utf-8")
    examples = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    assert examples
    for example in examples:
        channel = parse(example, "sysadmin", "secadmin")
        assert parse(render(channel), "sysadmin", "secadmin") == channel


def test_lines_are_found_in_tables_too():
    text = 'id = "x"\n[[parts]]\npath = "PID-3"\n\n[[parts]]\npath = "PID-5"\nmask = "name"\n'
    assert line_of(text, ("parts", 1, "mask")) == 7
    assert line_of(text, ("parts", 0, "path")) == 3
    assert line_of(text, ("parts", 1, "gone")) == 5
    assert line_of(text, ("nothing",)) == 0
    assert line_of(text, ()) == 0
