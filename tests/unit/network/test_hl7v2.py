"""An HL7 v2 channel: what crosses, what is left behind, what a receiver's answer means."""

import base64
import contextlib
import time
from dataclasses import replace

import pytest

from network.gateway.channel import Channel, Part
from network.gateway.frames import Frame, Kind
from network.gateway.hl7.message import parse
from network.gateway.policy import Policy, check
from network.gateway.protocols import PROTOCOLS
from network.gateway.protocols.hl7v2 import Hl7v2
from network.gateway.refusals import BodyRefused, NoChannel, QueueFull, TooFast
from tests.unit.network import hl7_samples as samples
from tests.unit.network.mllp_talk import acknowledgement

CHANNEL = Channel(
    "adt", "extranet->intranet", "store", "10.88.0.10", "mllp://10.66.0.10:2575", "personal",
    "registration", "sec", protocol="hl7v2", types=("ADT^A04", "ORU^R01"),
    parts=(Part("PID-3", required=True), Part("PID-5.1"), Part("PID-8")),
)  # fmt: skip


def plan(*parts, **changed):
    return Hl7v2().plan(replace(CHANNEL, **({"parts": parts} if parts else {}), **changed))


def ask(body):
    return Frame(Kind.ASK, 1, "MLLP", "/", "10.88.0.10", port=2575, body=body)


def crossed(body, *parts, **changed):
    return plan(*parts, **changed).ask(ask(body))


def lines(crossing, codec="gb18030"):
    return crossing.body.decode(codec).rstrip("\r").split("\r")


def adt(*segments, msh=""):
    head = msh or r"MSH|^~\&|HIS|H|R|F|20261122||ADT^A04|M1|P|2.4||||||GB18030"
    return ("\r".join([head, *segments]) + "\r").encode("gb18030")


def test_only_allowed_parts_cross_and_the_head_is_made_anew():
    told = crossed(samples.raw("adt"))
    assert lines(told) == [
        r"MSH|^~\&|HBOX||||20261122080000+0800||ADT^A04^ADT_A01|M1|P|2.5.1||||||GB 18030-2000",
        "PID|||P00012345^^^H^MR~11010519491231002X^^^MOH^NI||张|||M",
    ]
    assert (told.kind, told.method, told.target) == ("ADT^A04", "MLLP", "/")


def test_nothing_of_what_is_not_allowed_stands_anywhere():
    body = crossed(samples.raw("adt")).body.decode("gb18030")
    for value in ("第一人民医院", "三", "OP1", "某路", "13800138000", "高血压", "自定义", "HIS"):
        assert value not in body


def test_what_is_left_behind_is_counted():
    body = adt("PID|1||P1||A^B||1980|F", "ZZZ|x||y", "PV1|")
    told = crossed(body)
    # MSH-3 to 6, PID-1, PID-5 (cut), PID-7, two of ZZZ.
    assert told.dropped == 4 + 3 + 2
    everything = crossed(body, Part("PID-*"), Part("ZZZ-*"), Part("MSH-3"), Part("MSH-4"),
                         Part("MSH-5"), Part("MSH-6"))  # fmt: skip
    assert everything.dropped == 0


def test_a_full_policy_changes_no_segment_of_a_conforming_message():
    for name in ("adt", "oru"):
        names = {line[:3] for line in samples.ALL[name].split("\r")} - {"MSH"}
        told = crossed(
            samples.raw(name), *(Part(f"{n}-*", carries=("id-card", "phone")) for n in names)
        )
        assert lines(told)[1:] == samples.ALL[name].split("\r")[1:]
        assert (told.masked, told.inert, told.found) == (0, 0, "")


def test_components_are_cut_in_every_repetition():
    told = crossed(adt("PID|||P1||A^B^C~D^E^F"), Part("PID-5.1"), Part("PID-5.3"))
    assert lines(told)[1] == "PID|||||A^^C~D^^F"


def test_the_senders_own_names_cross_only_when_a_channel_says_so():
    told = crossed(samples.raw("adt"), Part("PID-3"), Part("MSH-3"), Part("MSH-4"))
    assert lines(told)[0].startswith(r"MSH|^~\&|HIS|第一人民医院|||2026")


def test_own_separators_stay():
    told = crossed(b"MSH$%~*@$A$B$C$D$2026$$ADT%A04%X$M1$P$2.4\rPID$$$P1$$A%B\r")
    assert told.body == b"MSH$%~*@$HBOX$$$$2026$$ADT%A04%X$M1$P$2.4\rPID$$$P1$$A\r"


@pytest.mark.parametrize(
    ("body", "path", "error"),
    [
        (adt("PV1|1"), "PID", 100),
        (adt("PID|1||"), "PID-3", 101),
        (adt("PID|||P1", "PID|1"), "PID-3", 101),
        (adt("PID|||P1", msh=r"MSH|^~\&|A|B|C|D|||ADT^A04||P|2.4"), "MSH-10", 101),
        (adt("PID|||P1", msh=r"MSH|^~\&|A|B|C|D|||ADT^A04|张|P|2.4"), "MSH-10", 101),
        (adt("PID|||P1", msh=r"MSH|^~\&|A|B|C|D|||ADT^A04|M^1|P|2.4"), "MSH-10", 101),
        (adt("PID|||P1", msh=r"MSH|^~\&|A|B|C|D|||ADT^A04|M1|X|2.4"), "MSH-11", 202),
        (adt("PID|||P1", msh=r"MSH|^~\&|A|B|C|D|||ADT^A04|M1|P|3.0"), "MSH-12", 203),
        (adt("PID|||P1", msh=r"MSH|^~\&|A|B|C|D|now||ADT^A04|M1|P|2.4"), "MSH-7", 102),
        (adt("PID|||P1", msh=r"MSH|^~\&|A|B|C|D|||ADT^A04|M1|P|2.4||1"), "MSH-14", 207),
        (adt("PID|||P1", msh=r"MSH|^~\&|A|B|C|D|||ADT^A04^x|M1|P|2.4"), "MSH-9", 200),
    ],
)
def test_what_the_channel_needs_is_demanded(body, path, error):
    with pytest.raises(BodyRefused) as refused:
        crossed(body)
    assert (refused.value.fields["path"], refused.value.fields["hl7"]) == (path, error)


def test_a_message_over_the_channels_size_is_refused():
    with pytest.raises(BodyRefused, match="over 100 bytes"):
        crossed(samples.raw("adt"), body_limit=100)


def test_a_field_of_absurd_length_is_refused():
    with pytest.raises(BodyRefused, match="a field over"):
        crossed(adt("PID|||P1||" + "a" * 70_000))
    assert len(crossed(adt("PID|||P1||a||" + "b" * 70_000)).body) < 200  # it was left behind


def test_values_are_masked_by_profile_and_the_null_of_hl7_stays():
    told = crossed(
        adt('PID|||P1||张三丰^""~李四||19491231|M'),
        Part("PID-5.1", mask="name"), Part("PID-5.2", mask="name"), Part("PID-7", mask="birth-year"),
    )  # fmt: skip
    assert lines(told)[1] == 'PID|||||张**^""~李*||1949'
    assert told.masked == 3


def test_a_mask_sees_the_value_and_not_its_escapes():
    told = crossed(adt(r"PID|||P1||\T\\F\x|||"), Part("PID-5", mask="phone"))
    assert lines(told)[1] == "PID|||||***"


PHONE, CARD = "13800138000", "11010519491231002X"


def test_personal_numbers_are_found_where_none_is_declared():
    body = adt(f"PID|||{CARD}||A||||||||{PHONE}", f"NTE|1||call {PHONE} or {CARD}")
    parts = (Part("PID-3", carries=("id-card",)), Part("PID-13", carries=("phone",)), Part("NTE-3"))
    assert crossed(body, *parts).found == "id-card:1,phone:1"
    assert crossed(body, *parts[:2], Part("NTE-3", carries=("phone", "id-card"))).found == ""
    assert (
        crossed(body, Part("PID-3"), Part("PID-13", carries=("id-card",))).found
        == "id-card:1,phone:1"
    )


def test_a_number_that_does_not_cross_is_no_finding():
    assert crossed(adt(f"PID|||P1||A||||||||{PHONE}")).found == ""


def test_personal_numbers_are_masked_where_the_channel_says_so():
    told = crossed(adt(f"PID|||{CARD}", f"NTE|1||call {PHONE}"), Part("PID-3", carries=("id-card",)),
                   Part("NTE-3"), leak="mask")  # fmt: skip
    assert lines(told)[1:] == [f"PID|||{CARD}", "NTE|||call 138****8000"]
    assert (told.found, told.masked) == ("phone:1", 1)


def test_formatting_hides_no_number():
    told = crossed(adt(r"NTE|1||138\H\0013\N\8000"), Part("NTE-3"), types=("ADT^A04",))
    assert told.found == "phone:1"
    told = crossed(adt(r"NTE|1||\X313338\\X3030313338303030\ "), Part("NTE-3"))
    assert told.found == "phone:1"


def test_markup_is_made_inert_and_medicine_stays():
    told = crossed(
        adt(r"NTE|1||p < 0.05, CRP <5 mg/L\.br\.", r"NTE|2||<script>a\T\b</script>"), Part("NTE-3")
    )
    assert lines(told)[1:] == [
        r"NTE|||p < 0.05, CRP <5 mg/L\.br\.",
        r"NTE|||＜script>a\T\b＜/script>",
    ]
    assert told.inert == 2
    hidden = crossed(adt(r"NTE|1||<scr\H\ipt>\X3C\img src=x>"), Part("NTE-3"))
    assert "<" not in lines(hidden)[1]


def test_markup_in_ascii_is_made_inert_with_signs_that_ascii_has():
    msh = r"MSH|^~\&|A|B|C|D|||ADT^A04|M1|P|2.4||||||ASCII"
    assert lines(crossed(adt("NTE|1||<script>", msh=msh), Part("NTE-3")))[1] == "NTE|||(script>"


def test_hexadecimal_escapes_add_no_segment():
    told = crossed(adt(r"NTE|1||a\X0D\PID|||P2\X0D0A\ "), Part("NTE-3"))
    assert lines(told)[1] == r"NTE|||a\.br\PID"


FILE = b"%PDF-1.4 \x00\x01\xff\xfe 13800138000 <script>"


def test_attachments_are_decoded_for_the_scanner_and_cross_as_they_are():
    coded = base64.b64encode(FILE).decode()
    obx = f"OBX|1|ED|R^Report||LAB^AP^PDF^Base64^{coded}~LAB^AP^PDF^Hex^{FILE.hex()}||||||F"
    told = crossed(adt("PID|||P1", obx, "OBX|2|TX|N||text"), Part("PID-3"), Part("OBX-*"))
    assert told.attachments == (FILE, FILE)
    assert lines(told)[2] == obx
    assert (told.found, told.inert) == ("", 0)


ENCODED = base64.b64encode(f"病人电话{PHONE}".encode("gb18030")).decode()


@pytest.mark.parametrize(
    "obx",
    [
        f"OBX|1|ED|R||L^A^P^Base64^{ENCODED}",
        rf"OBX|1|\X4544\|R||L^A^P^Base64^{ENCODED}",
        rf"OBX|1|ED|R||L^A^P^Bas\X65\64^{ENCODED}",
        f"OBX|1| ed |R||L^A^P^ base64 ^{ENCODED}",
        f"OBX|1||R||L^A^P^Base64^{ENCODED}",
    ],
)
def test_no_attachment_hides_from_the_scanner_and_text_in_it_is_looked_at(obx):
    told = crossed(adt("PID|||P1", obx), Part("OBX-*"))
    assert (len(told.attachments), told.found) == (1, "phone:1")
    with pytest.raises(BodyRefused, match="attachment"):
        crossed(adt(obx), Part("OBX-*"), leak="mask")
    may = Part("OBX-5", carries=("phone",)), Part("OBX-2")
    assert crossed(adt(obx), *may).found == ""


def test_an_attachment_where_none_is_looked_for_is_refused():
    with pytest.raises(BodyRefused, match="attachment"):
        crossed(adt(f"NTE|1||L^A^P^Base64^{ENCODED}"), Part("NTE-3"))


def test_harmless_markup_hides_no_other_on_its_line():
    told = crossed(adt(r"NTE|1||<a\H\:b><\H\script>alert(1)"), Part("NTE-3"))
    assert "<script" not in told.body.decode("gb18030").replace("\\H\\", "")


def test_an_attachment_as_text_is_looked_at_like_text():
    told = crossed(adt(f"OBX|1|ED|R||LAB^TEXT^PLAIN^A^<script>{PHONE}"), Part("OBX-*"))
    assert (told.attachments, told.inert, told.found) == ((), 1, "phone:1")


def test_an_attachment_that_is_left_behind_needs_no_scan():
    assert crossed(adt("PID|||P1", "OBX|1|ED|R||L^A^P^Base64^QUFB")).attachments == ()


@pytest.mark.parametrize(
    "data", ["Base64^@@@", "Base64^QUF", "Hex^xyz", r"Base64^QU\F\F", r"Base\H\64^QUFB"]
)
def test_an_unreadable_attachment_is_refused(data):
    with pytest.raises(BodyRefused, match="attachment"):
        crossed(adt(f"OBX|1|ED|R||L^A^P^{data}"), Part("OBX-*"))


def test_the_key_is_that_of_the_same_message_only():
    first, again = crossed(samples.raw("adt")), crossed(samples.raw("adt"))
    other = crossed(samples.raw("adt").replace(b"P00012345", b"P00012346"))
    sender = crossed(samples.raw("adt").replace(b"|HIS|", b"|LIS|"))
    assert first == again
    assert len({first.key, other.key, sender.key}) == 3


def test_a_channel_takes_its_types_only_and_says_why_it_cannot_read():
    own = plan()
    assert own.match(ask(samples.raw("adt")))
    assert not own.match(ask(samples.raw("siu")))
    assert own.match(ask(b"garbage"))  # so that the reason reaches the sender
    with pytest.raises(BodyRefused):
        own.ask(ask(b"garbage"))


def test_what_was_stored_is_held_against_another_policy():
    stored = crossed(samples.raw("adt")).body
    assert plan().again(stored) == stored
    assert b"\xd5\xc5" not in plan(Part("PID-3")).again(stored)
    with pytest.raises(BodyRefused):
        plan(types=("SIU^S12",)).again(stored)


@pytest.mark.parametrize(
    "changed",
    [
        {"types": ()}, {"types": ("ADT",)}, {"types": ("adt^a04",)}, {"parts": ()},
        {"parts": (Part("PID"),)}, {"parts": (Part("PID-0"),)}, {"parts": (Part("PID-3"), Part("PID-3"))},
        {"parts": (Part("PID-5"), Part("PID-5.1"))}, {"parts": (Part("PID-5.1"), Part("PID-5"))},
        {"parts": (Part("MSH-*"),)}, {"parts": (Part("MSH-10"),)}, {"parts": (Part("MSH-8"),)},
        {"parts": (Part("PID-3", mask="nonsense"),)}, {"parts": (Part("PID-3", carries=("iban",)),)},
        {"parts": (Part("BHS-3"),)}, {"lane": "request"}, {"method": "POST"}, {"path": "/x"},
    ],
)  # fmt: skip
def test_a_channel_that_contradicts_itself_is_no_channel(changed):
    with pytest.raises(ValueError, match="adt"):
        plan(**changed)


def outcome(got=b"", code=""):
    sent = talk_body = b"MSH|^~\\&|A||||2026||ADT^A04|A1|P|2.4\rPID|1\r"
    assert talk_body == sent
    return plan().outcome(sent, Frame(Kind.RESULT, 1, code=code, status=200, body=got))


@pytest.mark.parametrize(
    ("code", "end"),
    [("AA", "delivered"), ("CA", "delivered"), ("AE", "again"), ("CE", "again"), ("AR", "dead"),
     ("CR", "dead"), ("XX", "again"), ("", "again")],
)  # fmt: skip
def test_what_a_receivers_answer_means(code, end):
    assert outcome(acknowledgement(code, "A1")).end == end


@pytest.mark.parametrize(
    "got",
    [
        b"", b"OK", acknowledgement("AA", "A2"), acknowledgement("AR", "A2"), acknowledgement("AA", ""),
        acknowledgement("AA", "A1") + acknowledgement("AA", "A1"), acknowledgement("AA", "A1")[9:],
        b"MSH|^~\\&|A||||2026||ADT^A04|A1|P|2.4\rPID|1\r", b"MSH|^~\\&\rMSA|AA\r",
        b"MSHAMSAAAAAA1",
    ],
)  # fmt: skip
def test_only_an_acknowledgement_of_this_message_ends_it(got):
    assert outcome(got).end == "again"
    assert outcome(acknowledgement("AA", "A1"), code="late").end == "again"


def test_a_refusal_says_its_reason_in_both_languages_and_whether_to_try_again():
    refused = PROTOCOLS["hl7v2"].refused
    ours = ask(samples.raw("adt"))
    permanent = refused(ours, BodyRefused(path="PID-3", why="missing", hl7=101))
    assert permanent.status == 422
    told = parse(permanent.body)
    assert told.segments("MSA")[0][1:3] == ["CR", "M1"]  # the sample asks for enhanced mode
    err = told.segments("ERR")[0]
    assert (err[2], err[3], err[4], err[5]) == (
        "PID^1^3",
        "101^^HL70357",
        "E",
        "gateway.body_refused",
    )
    assert "报文内容不符合通道定义" in err[8]
    assert "Correct the message" in err[8]
    for refusal in (QueueFull(channel="adt"), TooFast(channel="adt")):
        assert parse(refused(ours, refusal).body).segments("MSA")[0][1] == "CE"
    assert "200^" in parse(refused(ours, NoChannel()).body).segments("ERR")[0][3]


def test_no_message_may_mean_two_channels():
    other = replace(CHANNEL, id="oru", types=("ORU^R01", "ORU^R30"))
    with pytest.raises(ValueError, match="door"):
        check(Policy(1, "", (CHANNEL, other)))
    assert len(check(Policy(1, "", (CHANNEL, replace(other, types=("ORU^R30",)))))) == 2


BIG = 4_000_000
BOMBS = {
    "separators": b"PID" + b"|" * 190_000,
    "components": b"PID|||||" + b"^" * BIG,
    "segments": b"PID\r" * (BIG // 4),
    "subcomponents": b"NTE|||" + b"a&" * (BIG // 2),
    "escapes": b"OBX|||" + b"\\X41\\" * (BIG // 5),
    "open escapes": b"OBX|||" + b"\\" * BIG,
    "tags": b"OBX|||" + b"<a" * (BIG // 2),
    "digits": b"OBX|||" + b"1" * BIG,
    "numbers in one field": b"OBX|||" + b"13800138000 " * (BIG // 12),
    "numbers in many fields": b"OBX|1|TX|" + b"13800138000|" * 20_000,
    "numbers in many segments": b"OBX|1|TX|13800138000\r" * 10_000,
    "attachments": b"OBX|1|ED|x||" + b"a^b^c^Base64^QUFB~" * 10_000,
    "line feeds": b"OBX|||a" + b"\n" * BIG,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_message_takes_long(bomb):
    """Each costs CPU time in proportion to its length: two seconds at most here, three times that where others
    work beside it. With its square it would be many minutes.
    """
    own = plan(Part("NTE-3", mask="name"), Part("OBX-*"), Part("PID-3"), Part("PID-5.1"),
               leak="mask", body_limit=BIG + 1000)  # fmt: skip
    began = time.process_time()
    with contextlib.suppress(BodyRefused):
        own.ask(ask(adt() + BOMBS[bomb] + b"\r"))
    assert time.process_time() - began < 6.0


def test_a_control_id_that_looks_like_a_telephone_number_is_never_altered():
    head = r"MSH|^~\&|HIS|H|R|F|20261122||ADT^A04|{}|P|2.4||||||GB18030"
    body = adt("PID|||1", msh=head.format("13812345678"))
    with pytest.raises(BodyRefused, match="MSH"):
        crossed(body, Part("PID-3"), leak="mask")
    assert crossed(body, Part("PID-3"), leak="report").found == "phone:1"
    told = crossed(adt("PID|||13812345678"), Part("PID-3"), leak="mask")
    assert lines(told)[1] == "PID|||138****5678"
