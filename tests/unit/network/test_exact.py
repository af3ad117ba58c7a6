"""JSON is read as it was written or not at all: numbers keep their digits, no key comes twice."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.gateway import exact
from network.gateway.refusals import BodyRefused


def crossed(body: bytes) -> bytes:
    return exact.write(exact.read(body, limit=1 << 20)[0])


@pytest.mark.parametrize(
    "number",
    ["1.00", "0.0", "-0.0", "1.0e3", "1E-7", "0.1000000000000000055", "1" * 38, "-9223372036854775809",
     "18446744073709551616", "9007199254740993", "0.30000000000000004", "1e400"],
)  # fmt: skip
def test_a_number_keeps_its_digits(number):
    body = f'{{"a":[{number}]}}'.encode()
    assert crossed(body) == body


@pytest.mark.parametrize(
    "text", ["甲", "😀", "é", '"', "\\", "/", " ", '":', "\u0001", "\x7f", "a\nb"]
)
def test_a_text_keeps_its_characters(text):
    assert json.loads(crossed(json.dumps({text: text}).encode())) == {text: text}


def test_keys_keep_their_order():
    assert crossed(b'{"z":1,"a":{"y":1,"b":2}}') == b'{"z":1,"a":{"y":1,"b":2}}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}', b'{"a":1,"a" :1}', b'{"a":1,"\\u0061":2}', b'{"a":{"b":1,"b":2}}',
        b'{"a":[{"b":1,"b":2}]}', b'{"x":"\\":","a":1,"a"\n:1}', b'{"x":":\\":","a":1,"a":1}',
        b'{"a":":","a":":"}',
    ],
)  # fmt: skip
def test_a_key_twice_is_refused_however_it_is_written(body):
    with pytest.raises(BodyRefused) as refused:
        exact.read(body, limit=1000)
    assert refused.value.fields["why"] == "a key comes twice"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"{} {}", b"\xef\xbb\xbf{}", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-}', b'{"a":01}',
        b'{"a":1.}', b'{"a":"\\ud800"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}',
        b'{"a":"\x01"}', b"{'a':1}", b'{"a":1,}', b"[]", b"1", b'"a"', b"null", b'{"a":/**/1}',
        '{"a":1}'.encode("utf-16"), b'{"a":' + b"1" * 5000 + b"}", b'{"a":1}\x00', b'{a:1}',
    ],
)  # fmt: skip
def test_what_is_not_one_object_is_refused(body):
    with pytest.raises(BodyRefused):
        exact.read(body, limit=10_000)


@pytest.mark.parametrize("deep", [exact.DEPTH, 1_000, 100_000])
@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_is_bounded(deep, start, end):
    with pytest.raises(BodyRefused):
        exact.read(b'{"a":' + start * deep + b"1" + end * deep + b"}", limit=1 << 20)


def test_what_is_just_deep_enough_passes():
    body = b'{"a":' + b"[" * (exact.DEPTH - 1) + b"]" * (exact.DEPTH - 1) + b"}"
    assert crossed(body) == body


def test_size_is_bounded():
    with pytest.raises(BodyRefused):
        exact.read(b'{"a":"bbbb"}', limit=11)
    assert exact.read(b'{"a":"bbbb"}', limit=12)[1] == 1


leaves = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(['a', '":', " ", ":"]), values, max_size=4), st.sampled_from([None, 1]), st.booleans())  # fmt: skip
def test_reading_and_writing_is_the_same_as_the_standard_library(value, indent, ascii_only):
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    read, count = exact.read(body, limit=1 << 20)
    assert read == value
    assert json.loads(exact.write(read)) == value
    assert count == exact.keys(value)


def pairs(value):
    """Write JSON whose objects are lists of pairs, so that keys may come twice."""
    if isinstance(value, tuple):
        return "{" + ",".join(f"{json.dumps(k)}{gap}:{pairs(v)}" for k, gap, v in value) + "}"
    return json.dumps(value)


names = st.sampled_from(["a", "b", '":', "\\", "::"])
doubled = st.recursive(
    st.sampled_from([1, "x", '":', ":", '"']),
    lambda inner: st.lists(
        st.tuples(names, st.sampled_from(["", " ", "\n"]), inner), max_size=4
    ).map(tuple),
    max_leaves=8,
)


@given(st.lists(st.tuples(names, st.just(""), doubled), max_size=3).map(tuple))
def test_no_doubled_key_ever_passes(value):
    def twice(part):
        if not isinstance(part, tuple):
            return False
        return len({k for k, _, _ in part}) != len(part) or any(twice(v) for _, _, v in part)

    body = pairs(value).encode()
    if twice(value):
        with pytest.raises(BodyRefused):
            exact.read(body, limit=1 << 20)
    else:
        exact.read(body, limit=1 << 20)
