"""Our acknowledgements in original and enhanced mode, batches of them, and reading those of others."""

import pytest

from network.gateway.hl7 import ack, batch
from network.gateway.hl7.message import head_of, parse
from network.gateway.refusals import BadMllp, BodyRefused, QueueFull

MSH = r"MSH|^~\&|HIS|第一医院|R|F|20261122||ADT^A04^ADT_A01|M1|P|2.5|||{}|{}||{}"
NO = BodyRefused(path="PID-3", why="a|b^c")


def message(accept="", application="", charset="GB18030", codec="gb18030"):
    return (MSH.format(accept, application, charset) + "\rPID|1\r").encode(codec)


def code(raw):
    return parse(raw).segments("MSA")[0][1] if raw else ""


# MSH-15, MSH-16 -> accepted, may be sent again, never (table 0155; empty: none is wanted).
MODES = [
    ("", "", "AA", "AE", "AR"),
    ("AL", "", "CA", "CE", "CR"),
    ("AL", "AL", "CA", "CE", "CR"),
    ("SU", "NE", "CA", "", ""),
    ("ER", "NE", "", "CE", "CR"),
    ("NE", "NE", "", "", ""),
    ("NE", "", "", "", ""),
    ("NE", "AL", "AA", "AE", "AR"),
    ("NE", "SU", "AA", "", ""),
    ("", "AL", "AA", "AE", "AR"),
    ("", "ER", "", "AE", "AR"),
]


@pytest.mark.parametrize(("accept", "application", "yes", "later", "no"), MODES)
def test_each_mode_has_its_codes(accept, application, yes, later, no):
    raw = message(accept, application)
    assert code(ack.accepted(head_of(raw, "GB18030"), "d")) == yes
    assert code(ack.refused(raw, "GB18030", QueueFull(channel="c"), again=True)) == later
    assert code(ack.refused(raw, "GB18030", NO, again=False)) == no


def test_an_acknowledgement_is_a_message_of_its_own():
    told = parse(ack.accepted(head_of(message(), "GB18030"), "0123-4567-89ab-cdef-0123-4567"))
    assert told.field("MSH", 9) == "ACK^A04^ACK"
    assert told.field("MSH", 10) == "0123456789abcdef0123"
    assert [told.field("MSH", n) for n in (3, 5, 6, 11, 12, 18)] == [
        "HBOX", "HIS", "第一医院", "P", "2.5", "GB18030",
    ]  # fmt: skip
    assert told.lines[1:] == ["MSA|AA|M1"]


@pytest.mark.parametrize(
    ("charset", "codec", "zh"),
    [("GB18030", "gb18030", True), ("UNICODE UTF-8", "utf-8", True), ("ASCII", "ascii", False)],
)
def test_words_come_in_the_charset_of_the_message(charset, codec, zh):
    raw = message(charset=charset).replace("第一医院".encode("gb18030"), b"H")
    if codec == "utf-8":
        raw = message(charset=charset, codec=codec)
    told = parse(ack.refused(raw, "GB18030", NO, again=False))
    err = told.segments("ERR")[0]
    assert told.head.codec == codec
    assert ("请按通道" in err[8], "Correct" in err[8], "?" in err[8]) == (zh, True, False)
    assert r"a\F\b\S\c" in err[8]  # what came from outside cannot add fields


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"MSH|^~\\&",
        b"\xff\xfe",
        b"MSH|||||||||",
        "MSH|^~\\&|张|UTF-8".encode("gb18030"),
    ],
)
def test_what_cannot_be_read_is_answered_too(raw):
    told = parse(ack.refused(raw, "GB18030", NO, again=False))
    assert told.segments("MSA")[0][1] == "AR"
    assert ack.read(ack.refused(raw, "GB18030", NO, again=False)).control == ""


def test_an_unknown_charset_costs_no_control_id():
    raw = message(charset="KLINGON").replace("第一医院".encode("gb18030"), b"H")
    assert parse(ack.refused(raw, "GB18030", NO, again=False)).segments("MSA")[0][2] == "M1"


def test_the_senders_marks_are_used_towards_it():
    raw = b"MSH$%~*@$A$B$C$D$2026$$ADT%A04$M1$P$2.4\r"
    assert b"\rMSA$AA$M1\r" in ack.accepted(head_of(raw, "GB18030"), "d")


def test_a_refusal_of_the_same_message_has_the_same_id():
    first, again = (ack.refused(message(), "GB18030", NO, again=False) for _ in range(2))
    assert head_of(first, "GB18030").get(10) == head_of(again, "GB18030").get(10)


def one(ident):
    return f"MSH|^~\\&|A||||2026||ADT^A04|{ident}|P|2.4\rPID|1\r".encode()


def test_one_message_is_no_batch():
    assert batch.split(one("A")) is None
    assert batch.split(b"garbage") is None
    assert batch.split(b"") is None


@pytest.mark.parametrize(
    ("head", "tail", "file"),
    [
        (b"BHS|^~\\&|X\r", b"BTS|2\r", False), (b"FHS|^~\\&\rBHS|^~\\&\r", b"BTS|2\rFTS|1\r", True),
        (b"BHS|^~\\&\r", b"", False), (b"BHS|^~\\&\r", b"BTS\r", False), (b"", b"", False),
        (b"\r\nBHS|^~\\&\r\n", b"BTS|2|done\r\n", False),
    ],
)  # fmt: skip
def test_a_batch_is_cut_into_its_messages(head, tail, file):
    found = batch.split(head + one("A") + one("B") + tail)
    assert (found.messages, found.file) == ((one("A"), one("B")), file)


def test_several_batches_in_a_file_are_one_after_the_other():
    raw = (
        b"FHS|^~\\&\rBHS|^~\\&\r" + one("A") + b"BTS|1\rBHS|^~\\&\r" + one("B") + b"BTS|1\rFTS|2\r"
    )
    assert batch.split(raw).messages == (one("A"), one("B"))


def test_chinese_is_never_cut():
    raw = b"BHS|^~\\&\r" + "MSH|^~\\&|魚館誠鍇\rPID|𠮷\r".encode("gb18030") + one("B")
    assert batch.split(raw).messages[0].decode("gb18030") == "MSH|^~\\&|魚館誠鍇\rPID|𠮷\r"


@pytest.mark.parametrize(
    "raw",
    [
        b"BHS|^~\\&\rBTS|0\r", b"BHS|^~\\&\r" + one("A") + b"BTS|2\r", b"BHS|^~\\&\rPID|1\r" + one("A"),
        b"BHS|^~\\&\r" + one("A") * (batch.MESSAGES + 1), b"FHS|^~\\&\rFTS|0\r",
        b"BHS|^~\\&\r" + one("A") + b"BTS|1\rPID|1\r",
    ],
)  # fmt: skip
def test_a_batch_that_contradicts_itself_is_refused(raw):
    with pytest.raises(BadMllp):
        batch.split(raw)


def test_answers_of_a_batch_are_a_batch():
    assert batch.joined([b"MSH|1\r", b"", b"MSH|2\r"], file=False) == (
        b"BHS|^~\\&|HBOX\rMSH|1\rMSH|2\rBTS|2\r"
    )
    assert batch.joined([b"MSH|1\r"], file=True).startswith(b"FHS|^~\\&|HBOX\rBHS")
    assert batch.joined([b"", b""], file=True) == b""
