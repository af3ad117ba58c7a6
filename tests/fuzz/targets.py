"""The gateway's parsers as functions of bytes: each may refuse in its own words, and nothing else."""

import atheris

with atheris.instrument_imports(include=["network.gateway"], enable_loader_override=False):
    from appliance.errors import BoxError
    from network.gateway import clamd, dlp, inert, media, text
    from network.gateway.channel import Channel, Part, Resource
    from network.gateway.door import Door
    from network.gateway.fhir import narrative
    from network.gateway.frames import BODY_LIMIT, Frame, Kind, Splitter, parse, render
    from network.gateway.hl7 import ack, batch
    from network.gateway.inspect import Field
    from network.gateway.mllp_door import MllpDoor
    from network.gateway.protocols import PROTOCOLS
    from network.gateway.records import GENESIS, Torn, read_segment

STATED = {
    "id": "fuzz", "direction": "extranet->intranet", "lane": "store", "peer": "10.88.0.10",
    "data_class": "3", "purpose": "fuzz", "approver": "sec", "leak": "report",
}  # fmt: skip
WHOLE = PROTOCOLS["fhir"].plan(
    Channel(
        **STATED, protocol="fhir", target="http://10.66.0.10:8080", path="/fhir",
        resources=tuple(Resource(t, ("create", "transaction"), whole=True)
                        for t in ("Patient", "Observation", "Bundle", "DocumentReference")),
    )
)  # fmt: skip
FIELDS = PROTOCOLS["http-json"].plan(
    Channel(
        **STATED, target="http://10.66.0.10:8080", method="POST", path="/hook",
        request=(Field("a.b[].c", "string", mask="name"), Field("d", "decimal"), Field("e", "date")),
    )
)  # fmt: skip
HL7 = PROTOCOLS["hl7v2"].plan(
    Channel(
        **STATED, protocol="hl7v2", target="mllp://10.66.0.10:2575", types=("ADT^A04", "ORU^R01"),
        parts=(Part("PID-3"), Part("PID-5.1", mask="name"), Part("OBX-*"), Part("ZZZ-1")),
    )
)  # fmt: skip


class Wire:
    """What a door sees of its connection; nothing leaves this process."""

    def __init__(self):
        self.written, self.ended = 0, False

    def get_extra_info(self, name, default=""):
        return {"peername": ("10.88.0.10", 5), "sockname": ("10.88.0.2", 8080)}.get(name, default)

    def write(self, data):
        self.written += len(data)

    def write_eof(self):
        self.ended = True

    close = abort = write_eof

    def is_closing(self):
        return self.ended

    def pause_reading(self):
        pass

    resume_reading = pause_reading


class Answering:
    """A desk that takes everything and answers at once."""

    def opened(self, _door):
        return True

    def closed(self, _door):
        pass

    def holds(self, _door, size):
        return size <= 4 * BODY_LIMIT

    def asked(self, door, slot, asked):
        assert len(asked.body) <= BODY_LIMIT
        door.answer(slot, 200, "application/json", b"{}")

    def refused(self, _door, _refusal):
        return b"{}"


def _through(door_type, data):
    """Feed in pieces whose sizes the data itself gives."""
    door, wire = door_type(Answering()), Wire()
    door.connection_made(wire)
    size = 1 + (data[0] if data else 0)
    for at in range(1, len(data), size):
        if wire.ended:
            break
        door.data_received(data[at : at + size])
    door.eof_received()
    door.connection_lost(None)


def frames(data):
    for found in Splitter().feed(data):
        assert parse(render(found)) == found


def journal(data):
    try:
        for record in read_segment(data, 1, GENESIS):
            assert record.number >= 1
    except Torn:
        pass


def json_whole(data):
    made = WHOLE.ask(Frame(Kind.ASK, 1, "POST", "/fhir/Patient", "10.88.0.10", body=data))
    again = WHOLE.ask(Frame(Kind.ASK, 1, "POST", "/fhir/Patient", "10.88.0.10", body=made.body))
    assert again.body == made.body


def json_fields(data):
    made = FIELDS.ask(Frame(Kind.ASK, 1, "POST", "/hook", "10.88.0.10", body=data))
    assert FIELDS.again(made.body) == made.body


def query(data):
    target = "/fhir/Patient?" + data.decode("latin-1")
    WHOLE.ask(Frame(Kind.ASK, 1, "GET", target[:2048], "10.88.0.10"))


def hl7(data):
    ask = Frame(Kind.ASK, 1, "MLLP", "/", "10.88.0.10", body=data)
    if HL7.match(ask):
        made = HL7.ask(ask)
        assert HL7.again(made.body) == made.body
        HL7.accepted(ask, "x")


def hl7_refusal(data):
    ask = Frame(Kind.ASK, 1, "MLLP", "/", "10.88.0.10", body=data)
    try:
        HL7.ask(ask)
    except BoxError as refusal:
        PROTOCOLS["hl7v2"].refused(ask, refusal)


def hl7_ack(data):
    ack.confirms(data, ack.read(data))
    batch.split(data)


def narratives(data):
    made, _ = narrative.made_lawful(data.decode("utf-8", "replace"))
    assert narrative.made_lawful(made)[0] == made


def channel_text(data):
    text.parse(data.decode("utf-8", "replace"))


def free_text(data):
    value = data.decode("utf-8", "replace")
    for hit in dlp.find(value):
        assert 0 <= hit.start < hit.end <= len(value)
    made, _ = inert.text(value)
    assert inert.text(made) == (made, 0)


def file_names(data):
    name = data.decode("utf-8", "replace")
    media.told(data, name)
    if media.lawful_name(name):
        assert "/" not in name
        assert name not in (".", "..")


def http_door(data):
    _through(Door, data)


def mllp_door(data):
    _through(MllpDoor, data)


def clamd_answer(data):
    clamd.understood(data)


TARGETS = {
    "frames": (frames, BoxError),
    "journal": (journal, BoxError),
    "json-whole": (json_whole, BoxError),
    "json-fields": (json_fields, BoxError),
    "query": (query, BoxError),
    "hl7": (hl7, BoxError),
    "hl7-refusal": (hl7_refusal, BoxError),
    "hl7-ack": (hl7_ack, BoxError),
    "narrative": (narratives, narrative.NotLawful),
    "channel-text": (channel_text, BoxError),
    "free-text": (free_text, ()),
    "file-names": (file_names, ()),
    "http-door": (http_door, ()),
    "mllp-door": (mllp_door, ()),
    "clamd-answer": (clamd_answer, ()),
}
"""Name: the function, and the refusals that are lawful; anything else it raises is a defect."""
