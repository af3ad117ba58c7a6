"""Reading HL7 v2: separators, charsets, bounds; reading and writing again changes nothing."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.gateway.hl7.escapes import canonical, escaped, plain, value_of
from network.gateway.hl7.message import SEGMENTS, STANDARD, Separators, head_of, parse, render
from network.gateway.refusals import BodyRefused
from tests.unit.network import hl7_samples as samples

MSH = r"MSH|^~\&|A|B|C|D|20261122||ADT^A04|M1|P|2.4||||||"


def why(raw, default="GB18030"):
    with pytest.raises(BodyRefused) as refused:
        parse(raw, default)
    return refused.value.fields["path"], refused.value.fields["why"]


@pytest.mark.parametrize("name", samples.ALL)
def test_samples_come_out_as_they_went_in(name):
    told = parse(samples.raw(name))
    assert told.head.codec == (samples.CODECS[name] if name != "oru" else "gb18030")
    assert render(told).encode(told.head.codec) == samples.raw(name)


def test_fields_are_found_by_name_and_number():
    told = parse(samples.raw("adt"))
    assert told.head.type == "ADT^A04"
    assert [told.field("MSH", n) for n in (1, 2, 3, 10, 18, 99)] == [
        "|", "^~\\&", "HIS", "M1", "GB 18030-2000", "",
    ]  # fmt: skip
    assert told.field("PID", 5) == "张^三^^^先生"
    assert (told.field("PID", 300), told.field("QQQ", 1)) == ("", "")
    assert told.segments("AL1")[0][2] == "DA"


@pytest.mark.parametrize(
    ("named", "codec"),
    [
        ("GB18030", "gb18030"), ("GB 18030-2000", "gb18030"), ("GBK", "gb18030"), ("GB2312", "gb18030"),
        ("UNICODE UTF-8", "utf-8"), ("UTF-8", "utf-8"), ("utf8", "utf-8"), ("ASCII", "ascii"),
        ("8859/1", "iso8859-1"), ("GB18030~ISO IR87", "gb18030"), ("", "utf-8"),
    ],
)  # fmt: skip
def test_the_charset_is_the_one_that_is_named(named, codec):
    assert head_of((MSH + named + "\rPID|1").encode(), "UTF-8").codec == codec


# Second bytes 0x7C, 0x5E, 0x7E, 0x5C; the same texts as UTF-8 hold none.
@pytest.mark.parametrize("hard", ["鍇", "館", "魚", "誠", "魚館誠鍇", "亅乛亊乗", "𠮷", "丂"])
@pytest.mark.parametrize(("named", "codec"), [("GB18030", "gb18030"), ("UTF-8", "utf-8")])
@pytest.mark.parametrize("default", ["GB18030", "UTF-8"])
def test_characters_that_hold_separators_hide_nothing(hard, named, codec, default):
    text = MSH.replace("|B|", f"|{hard}|") + f"{named}\rPID|1|{hard}^{hard}|{hard}\r"
    told = parse(text.encode(codec), default)
    assert (told.head.codec, told.head.get(4), told.field("PID", 3)) == (codec, hard, hard)
    assert told.field("PID", 2) == f"{hard}^{hard}"
    assert render(told).encode(codec) == text.encode(codec)


@pytest.mark.parametrize(
    ("raw", "path", "said"),
    [
        (b"", "MSH", "start"),
        (b"hello", "MSH", "start"),
        (b"PID|1|2|3|4\r", "MSH", "start"),
        (b"MSH|^~\\\r", "MSH-2", "separators"),
        (b"MSH|^~\\^|A|B\r", "MSH-2", "separators"),
        (b"MSH|^~|A|B|C\r", "MSH-2", "separators"),
        (b"MSHa^~\\&aAaB\r", "MSH-2", "separators"),
        (b"MSH<^~\\&<A<B\r", "MSH-2", "separators"),
        (MSH.encode() + b"KLINGON\r", "MSH-18", "unknown charset"),
        (MSH.encode() + b"UTF-8\rPID|\xd5\xc5\r", "MSH-18", "not utf-8"),
        (MSH.encode() + b"ASCII\rPID|\xd5\xc5\r", "MSH-18", "not ascii"),
        (MSH.encode() + b"\rPID|\xff\xff\r", "MSH-18", "not gb18030"),
        (MSH.replace("A", "张").encode() + b"ASCII\r", "MSH-18", "not in the charset"),
        (MSH.encode() + b"\rPID|\x00\r", "$", "control"),
        (MSH.encode() + b"\rPID|\x0b\r", "$", "control"),
        (MSH.encode() + b"UTF-8\rPID|\xc2\x85\r", "$", "control"),
        (MSH.encode() + b"UTF-8\rPID|\xe2\x80\xa8\r", "$", "control"),
        (MSH.encode() + b"8859/1\rPID|\x85\r", "$", "control"),
        (MSH.encode() + "GB18030\rPID|\u2029\r".encode("gb18030"), "$", "control"),
        (MSH.encode() + b"\rpid|1\r", "pid", "not a segment"),
        (MSH.encode() + b"\rPI\r", "PI", "not a segment"),
        (MSH.encode() + b"\rPIDX1\r", "PID", "not a segment"),
        (MSH.encode() + b"\rsome text\r", "som", "not a segment"),
        (MSH.encode() + b"\rMSH|^~\\&|X\r", "MSH", "second message"),
        (MSH.encode() + b"\r" + b"PID|1\r" * SEGMENTS, "$", "segments"),
        (MSH.encode() + b"\rPID" + b"|" * 300_000, "$", "fields"),
        (MSH.encode() + b"\rPID|" + b"~^" * 150_000, "$", "fields"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_with_its_reason(raw, path, said):
    found = why(raw)
    assert found[0] == path
    assert said in found[1]


def test_line_feeds_end_segments_only_where_nothing_else_does():
    assert parse(f"{MSH}\nPID|1\nPV1|1".encode()).field("PV1", 1) == "1"
    assert parse(f"{MSH}\r\nPID|1\r\nPV1|1\r\n".encode()).field("PV1", 1) == "1"
    # Otherwise it is text, and no receiver can be made to take it for another segment.
    assert parse(f"{MSH}\rNTE|1||a\nPID|2\r".encode()).field("NTE", 3) == "a\\.br\\PID"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\T\b\F\c\S\d\R\e\E\f", r"a\T\b\F\c\S\d\R\e\E\f"),
        (r"\H\bold\N\ \.br\ \.sp+2\ \.in-3\ ", r"\H\bold\N\ \.br\ \.sp+2\ \.in-3\ "),
        (r"C:\dir\file", r"C:\E\dir\E\file"),
        (r"\X41\\X4243\ ", r"ABC "),
        (r"\X0D\PID|x", r"\.br\PID|x"),
        (r"\X0d0A\y\X0A\z", r"\.br\y\.br\z"),
        (r"\X7C\x\X5E\ ", r"\F\x\S\ "),
        (r"\X3C\script", "<script"),
        (r"\Zmine\ ", r"\E\Zmine\E\ "),
        ("\\", r"\E" + "\\"),
        (r"\XD5C5\ ", "张 "),
    ],
)
def test_escapes_become_canonical(written, read):
    assert canonical(written, STANDARD, "gb18030")[0] == read
    assert canonical(read, STANDARD, "gb18030")[0] == read


@pytest.mark.parametrize(
    "hostile", [r"\X00\ ", r"\X0B\ ", r"\XFF\ ", r"\C2842\ ", r"\M2D2D\ ", r"\X1C0D\ "]
)
def test_escapes_that_hide_something_are_refused(hostile):
    with pytest.raises(BodyRefused):
        canonical(hostile, STANDARD, "gb18030")


def test_what_formatting_hides_is_read_without_it():
    assert plain(r"<scr\H\ipt\N\>\.br\1", STANDARD) == "<script>1"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_any_text_can_be_escaped_and_read_again(text):
    own = Separators("$", "%", "*", "@", "#")
    for separators in (STANDARD, own):
        made = escaped(text, separators)
        assert value_of(made, separators) == text
        assert not set(made) & {separators.field, separators.component, separators.repetition}
        assert canonical(made, separators, "utf-8") == (made, 0)


_VALUE = st.text(
    alphabet=st.characters(
        exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="|^~\\&\r\n"
    ),
    max_size=8,
)
_FIELD = st.lists(st.lists(_VALUE, max_size=3).map("^".join), max_size=3).map("~".join)
_SEGMENT = st.tuples(
    st.sampled_from(["PID", "PV1", "OBX", "ZA1", "NTE"]), st.lists(_FIELD, max_size=6)
).map(lambda told: "|".join([told[0], *told[1]]))


@settings(deadline=None)
@given(st.lists(_SEGMENT, max_size=5), st.sampled_from(["GB18030", "UNICODE UTF-8"]), _VALUE)
def test_conforming_messages_come_out_as_they_went_in(segments, charset, facility):
    head = MSH.replace("|B|", f"|{facility}|") + charset
    text = "\r".join([head, *segments]) + "\r"
    for default in ("GB18030", "UTF-8"):
        raw = text.encode(parse(f"{MSH}{charset}".encode()).head.codec)
        told = parse(raw, default)
        assert render(told).encode(told.head.codec) == raw
        assert told.head.get(4) == facility


@settings(deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(data, headed):
    raw = MSH.encode() + b"\r" + data if headed else data
    with contextlib.suppress(BodyRefused):
        told = parse(raw)
        assert parse(render(told).encode(told.head.codec)).lines == told.lines
