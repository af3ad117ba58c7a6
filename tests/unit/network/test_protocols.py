"""What every protocol of the gateway keeps, asked of each in turn; one without a sample here fails."""

import re
import time
from dataclasses import dataclass, replace

import orjson
import pytest

from network.gateway.channel import Channel, Part, Resource
from network.gateway.frames import Frame, Kind
from network.gateway.inspect import Field
from network.gateway.protocols import PROTOCOLS
from network.gateway.refusals import Bulk, GatewayRefusal

STATED = {
    "id": "c", "direction": "extranet->intranet", "lane": "store", "peer": "10.88.0.10",
    "data_class": "3", "purpose": "x", "approver": "sec", "body_limit": 100_000,
}  # fmt: skip
HOOK = {"a": {"b": [{"c": "x"}]}, "n": "y"}
OBSERVATION = {
    "resourceType": "Observation", "status": "final", "code": {"text": "Hb"},
    "valueQuantity": {"value": 1.5, "unit": "g"},
}  # fmt: skip
ADT = (
    (
        "MSH|^~\\&|HIS|||||20261121093000||ADT^A04^ADT_A01|M1|P|2.5.1||||||GB 18030-2000\r"
        "PID|1||100||张三\rNTE|1||a\\F\\b\r"
    )
    .replace("|HIS|||||2026", "|HIS||||2026")
    .encode("gb18030")
)


@dataclass(frozen=True)
class Sample:
    """A channel that takes all of `ask`, the asking itself, and bodies no parser may take."""

    channel: Channel
    ask: Frame
    hostile: tuple[bytes, ...]


def frame(method, target, body):
    return Frame(Kind.ASK, 1, method, target, "10.88.0.10", body=body)


NOT_JSON = (
    b"", b"{", b"[]", b"null", b'{"a":1,"a":2}', b"\xef\xbb\xbf{}", b'{"a":NaN}', b"\xff" * 9,
    b"[" * 5000, b'{"a":' * 5000, b'{"resourceType":"Observation","a":"\\ud800"}',
)  # fmt: skip
SAMPLES = {
    "http-json": Sample(
        Channel(**STATED, method="POST", path="/hook", target="http://10.66.0.10:8080",
                request=(Field("a.b[].c", "string"), Field("n", "string"))),
        frame("POST", "/hook", orjson.dumps(HOOK)),
        NOT_JSON,
    ),
    "fhir": Sample(
        Channel(**STATED, protocol="fhir", path="/fhir", target="http://10.66.0.10:8080",
                resources=(Resource("Observation", ("create", "transaction"), whole=True),)),
        frame("POST", "/fhir/Observation", orjson.dumps(OBSERVATION)),
        (*NOT_JSON, b'{"resourceType":"Patient"}'),
    ),
    "hl7v2": Sample(
        Channel(**STATED, protocol="hl7v2", target="mllp://10.66.0.10:2575", types=("ADT^A04",),
                parts=(Part("PID-*"), Part("NTE-*"))),
        frame("MLLP", "/", ADT),
        (b"", b"MSH", b"MSH|^~\\&|", b"PID|1\r", b"\xff\xfe" + ADT, ADT.replace(b"GB 18030-2000", b"KLINGON"),
         ADT[:60] + b"\x00" + ADT[60:], ADT + b"X|\r"),
    ),
    "files": Sample(
        Channel(**STATED, protocol="files", target="files://reports", media=("application/pdf",)),
        frame("FILE", "/c/a.pdf", b'{"name":"a.pdf","channel":"c","size":5}'),
        (b"", b"{}", b'{"name":"../a.pdf","channel":"c","size":5}', b'{"name":"a","size":"x"}', b"[" * 5000),
    ),
}  # fmt: skip
NAMES = sorted(PROTOCOLS)


def plan(name, **changed):
    return PROTOCOLS[name].plan(replace(SAMPLES[name].channel, **changed))


def test_every_protocol_has_its_sample():
    assert set(SAMPLES) == set(PROTOCOLS)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_wholly_allowed_crosses_unchanged_and_stays_so(name):
    sample, made = SAMPLES[name], plan(name)
    assert made.match(sample.ask)
    crossing = made.ask(sample.ask)
    again = made.ask(replace(sample.ask, body=crossing.body)) if name != "files" else crossing
    assert again.body == crossing.body
    if name == "hl7v2":
        assert crossing.body.split(b"\r", 1)[1] == sample.ask.body.split(b"\r", 1)[1]
    elif name != "files":  # a file's body is the offer; what it holds crosses byte by byte
        assert orjson.loads(crossing.body) == orjson.loads(sample.ask.body)
        assert made.again(crossing.body) == crossing.body


@pytest.mark.parametrize("name", NAMES)
def test_nothing_crosses_that_the_channel_does_not_name(name):
    empty = {"http-json": {"request": (Field("n", "string"),)}, "hl7v2": {"parts": (Part("PID-3"),)},
             "fhir": {"resources": (Resource("Observation", ("create",), fields=(
                 Field("resourceType", "code"), Field("status", "code"))),)}}  # fmt: skip
    if name not in empty:
        return
    crossing = plan(name, **empty[name]).ask(SAMPLES[name].ask)
    assert crossing.dropped > 0
    assert not re.search(rb"Hb|\xd5\xc5\xc8\xfd|\"c\"", crossing.body)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_the_form_is_refused_at_once_in_the_protocols_own_words(name):
    sample, made = SAMPLES[name], plan(name)
    for body in (*sample.hostile, b"x" * 200_000):
        ask = replace(sample.ask, body=body)
        began = time.process_time()
        if not made.match(ask):
            continue  # the guard says that no channel takes it
        with pytest.raises(GatewayRefusal) as refused:
            made.ask(ask)
        reply = PROTOCOLS[name].refused(ask, refused.value)
        assert reply.status >= 400
        assert reply.body.isascii() or reply.body.decode("utf-8" if name != "hl7v2" else "gb18030")
        assert time.process_time() - began < 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", [b"", b"garbage", b"MSA|AA|other\r", b"{}"])
def test_a_result_that_is_no_success_delivers_nothing(name, body):
    made, sent = plan(name), SAMPLES[name].ask.body
    for status, code in ((0, "late"), (500, ""), (0, "closed"), (404, "")):
        result = Frame(Kind.RESULT, 1, status=status, code=code, body=body)
        assert made.outcome(sent, result).end != "delivered"


@pytest.mark.parametrize("name", NAMES)
def test_the_acknowledgement_names_the_delivery_or_the_message(name):
    sample = SAMPLES[name]
    reply = plan(name).accepted(sample.ask, "d-1")
    assert 200 <= reply.status < 300
    assert (b"M1" if name == "hl7v2" else b"d-1") in reply.body


def test_a_bundle_of_hundreds_is_a_bulk_export():
    entry = {
        "fullUrl": "urn:uuid:5f0c2b1e-0000-4000-8000-000000000001", "resource": OBSERVATION,
        "request": {"method": "POST", "url": "Observation"},
    }  # fmt: skip
    body = orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 501})
    ask = frame("POST", "/fhir", body)
    with pytest.raises(Bulk):
        plan("fhir", body_limit=1 << 20).ask(ask)
    assert plan("fhir", body_limit=1 << 20, bulk=True).ask(ask).body
