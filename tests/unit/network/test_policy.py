"""Policy: only a signed file that contradicts nothing is in force."""

import json
from dataclasses import replace

import pytest

from appliance.errors import BadInput
from appliance.signing import SigningKey
from network.gateway.channel import Channel
from network.gateway.frames import Frame, Kind, render
from network.gateway.inspect import Field
from network.gateway.policy import Policy, PolicyInvalid, load, sign, write
from network.gateway.protocols.http_json import query_anew
from network.gateway.refusals import QueryRefused
from network.gateway.sealed import FILE

KEY = SigningKey.new()
GOOD = Channel(
    "slot-read", "extranet->intranet", "request", "10.88.0.10", "http://10.66.0.10:8080",
    "personal", "booking", "sec", method="GET", path="/fhir/Slot", query=("date", "status"),
    response=(Field("resourceType", "code", required=True, values=("Bundle",)),), resource="Bundle",
)  # fmt: skip
STORE = replace(
    GOOD, id="booking", lane="store", method="POST", path="/fhir/Appointment", query=(), response=(),
    request=(Field("resourceType", "code"),), resource="",
)  # fmt: skip


def test_a_signed_policy_is_read_as_it_was_written(tmp_path):
    policy = Policy(3, "2026-11-21T00:00:00Z", (GOOD, STORE))
    write(tmp_path, policy, KEY)
    loaded = load(tmp_path, KEY.public)
    assert loaded.policy == policy
    assert set(loaded.plans) == {"slot-read", "booking"}
    assert (GOOD.source, GOOD.address) == ("extranet", "10.66.0.10:8080")


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "No Good"},
        {"path": "fhir"},
        {"path": "/fhir/../x"},
        {"peer": "0.0.0.0/0"},
        {"target": "http://his.local:8080"},
        {"target": "https://10.66.0.10:8080"},
        {"target": "http://10.66.0.10"},
        {"target": "http://10.66.0.10:8080/x"},
        {"rate": 0},
        {"approver": ""},
        {"data_class": ""},
        {"response": ()},
        {"request": (Field("a", "string"),)},
        {"lane": "store"},
        {"resource": "Slot"},
        {"response": (Field("a", "string"), Field("a.b", "string"))},
    ],
)
def test_a_channel_that_is_none_is_not_signed(wrong):
    with pytest.raises(BadInput):
        sign(Policy(1, "", (replace(GOOD, **wrong),)), KEY)


def test_two_channels_never_share_a_door():
    with pytest.raises(BadInput):
        sign(Policy(1, "", (GOOD, replace(GOOD, id="other", target="http://10.66.0.11:8080"))), KEY)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told.update(version=2),
        lambda told: told["channels"][0].update(peer="10.88.0.11"),
        lambda told: told["channels"].clear(),
    ],
)
def test_an_altered_policy_is_not_in_force(tmp_path, spoil):
    write(tmp_path, Policy(1, "", (GOOD,)), KEY)
    signature, data = (tmp_path / FILE).read_bytes().split(b"\n", 1)
    told = json.loads(data)
    spoil(told)
    (tmp_path / FILE).write_bytes(signature + b"\n" + json.dumps(told).encode())
    with pytest.raises(PolicyInvalid):
        load(tmp_path, KEY.public)


@pytest.mark.parametrize("extra", [{"surprise": 1}, {"lane": "both"}, {"rate": "many"}])
def test_even_signed_an_unknown_form_is_not_in_force(tmp_path, extra):
    write(tmp_path, Policy(1, "", (GOOD,)), KEY)
    told = json.loads((tmp_path / FILE).read_bytes().split(b"\n", 1)[1])
    told["channels"][0].update(extra)
    data = json.dumps(told).encode()
    (tmp_path / FILE).write_bytes(b"ed25519 " + KEY.sign(data).hex().encode() + b"\n" + data)
    with pytest.raises(PolicyInvalid):
        load(tmp_path, KEY.public)


def test_another_key_is_not_the_boxs(tmp_path):
    write(tmp_path, Policy(1, "", (GOOD,)), SigningKey.new())
    with pytest.raises(PolicyInvalid):
        load(tmp_path, KEY.public)


def test_a_query_that_grows_when_made_anew_is_refused_and_fits_its_frame():
    channel = replace(GOOD, query=("n",))
    quoted = "&".join(["n=" + "'" * 125] * 15)
    with pytest.raises(QueryRefused):
        query_anew(channel.query, quoted)
    longest = query_anew(channel.query, "&".join(["n=" + "'" * 40] * 15))
    render(Frame(Kind.CALL, 1, "GET", f"{channel.path}?{longest}"))


def test_a_query_is_made_anew():
    assert query_anew(GOOD.query, "") == ""
    assert query_anew(GOOD.query, "status=free&date=ge2026%2D11") == "status=free&date=ge2026-11"
    for bad in (
        "name=x",
        "date",
        "date=%00",
        "date=a;b=%0d%0a",
        "date=%ff",
        "date=1&" * 17,
        "date=" + "1" * 200,
    ):
        with pytest.raises(QueryRefused):
            query_anew(GOOD.query, bad)
