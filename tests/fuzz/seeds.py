"""Where each target starts from: one lawful input or two, so that the fuzzer need not find the form."""

import json

from network.gateway.frames import Frame, Kind, render
from network.gateway.records import GENESIS, Facts, encode, segment_head, tell

PATIENT = {
    "resourceType": "Patient", "id": "p1", "active": True, "birthDate": "1990-03-07",
    "name": [{"family": "张", "given": ["三"]}], "telecom": [{"system": "phone", "value": "13812345678"}],
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div>'},
    "extension": [{"url": "urn:x", "valueDecimal": 1.50}], "_birthDate": {"id": "a"},
}  # fmt: skip
ADT = (
    "MSH|^~\\&|A|B|C|D|20261121093000||ADT^A04^ADT_A01|M1|P|2.5.1|||AL|NE|CHN|GB 18030-2000\r"
    "EVN||20261121\rPID|1||100^^^HIS~101||张三^李||19900307|M\rOBX|1|ED|x||^A^B^Base64^SGk=\rZZZ|a\r"
).encode("gb18030")
ACK = b"MSH|^~\\&|C|D|A|B|20261121||ACK|9|P|2.5.1\rMSA|AA|M1\r"
HTTP = b"\x20POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = (
    b"\x07POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
)
CHANNEL = """
id = "lab"
direction = "intranet->extranet"
lane = "store"
protocol = "hl7v2"
peer = "10.66.0.30"
target = "mllp://10.88.0.20:2575"
data_class = "3"
purpose = "x"
types = ["ORU^R01"]
parts = [{ path = "PID-3", required = true }]
"""


def _segment() -> bytes:
    head = segment_head(1, GENESIS, bytes(8))
    first, own = encode(1, GENESIS, tell(Facts(event="accepted", channel="c")), b"body")
    second, _ = encode(2, own, tell(Facts(event="delivered", channel="c")), b"")
    return head + first + second


_JSON = json.dumps(PATIENT, ensure_ascii=False).encode()
_FRAME = render(Frame(Kind.ASK, 7, "POST", "/a", "10.88.0.10", key="k", port=8080, body=b"{}"))
SEEDS = {
    "frames": [_FRAME, _FRAME * 2],
    "journal": [_segment()],
    "json-whole": [_JSON],
    "json-fields": [b'{"a":{"b":[{"c":"Zhang"}]},"d":1.50,"e":"2026-11-21"}'],
    "query": [b"name=a&_count=5", "name=张".encode()],
    "hl7": [ADT],
    "hl7-refusal": [ADT.replace(b"PID", b"P|D"), ADT[:40]],
    "hl7-ack": [ACK, b"FHS|^~\\&\rBHS|^~\\&\r" + ADT + b"BTS|1\rFTS|1\r"],
    "narrative": [PATIENT["text"]["div"].encode()],
    "channel-text": [CHANNEL.encode()],
    "free-text": [b"p < 0.05 <b>13812345678 110101 19900307 4477"],
    "file-names": ["报告.pdf".encode(), b"%PDF-1.7", b"../x"],
    "http-door": [HTTP, CHUNKED],
    "mllp-door": [b"\x40\x0b" + ADT + b"\x1c\r\0\0\x0b" + ADT + b"\x1c\r"],
    "clamd-answer": [b"stream: OK\0", b"stream: Eicar FOUND\0", b"x ERROR\0"],
}
