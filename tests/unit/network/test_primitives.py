"""Every FHIR R4 primitive: what it may look like and what it may not."""

from typing import get_args

import pytest

from network.gateway import exact
from network.gateway.primitives import CHECKS, FREE, Primitive

GOOD = {
    "base64Binary": ["", "QQ==", "QUJD", "QU JD\n"],
    "boolean": [True, False],
    "canonical": ["http://a/b|1.0", "#x", "urn:oid:1.2"],
    "code": ["a", "a b", "<", "<=", "m[H2O]", "10*3/uL", "男", "{score}"],
    "date": ["1990", "1990-03", "1990-03-07", "2000"],
    "dateTime": ["1990", "1990-03", "1990-03-07", "1990-03-07T08:00:00Z", "1990-03-07T23:59:60.123456789+14:00"],
    "decimal": [0, -1, 10**39, exact.Fraction(b"1.00"), exact.Fraction(b"-0.0"), exact.Fraction(b"1e-300")],
    "id": ["a", "A-1.2", "x" * 64],
    "instant": ["1990-03-07T08:00:00Z", "1990-03-07T08:00:00.1-05:30"],
    "integer": [0, -(2**31), 2**31 - 1],
    "markdown": ["# 甲\n\n- a\t<b>"],
    "oid": ["urn:oid:1.2.840.0", "urn:oid:2.999"],
    "positiveInt": [1, 2**31 - 1],
    "reference": ["Patient/1", "Patient/1/_history/2", "#p", "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "urn:oid:1.2.3"],
    "string": ["甲", " ", "a\nb", "<b>", "😀", "\u200b"],
    "time": ["00:00:00", "23:59:60.5"],
    "unsignedInt": [0, 2**31 - 1],
    "uri": ["http://a/b?c=d#e", "urn:x", "Patient/1", "mailto:a@b", "甲"],
    "url": ["https://a", "mllp:10.1.1.1"],
    "uuid": ["urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"],
}  # fmt: skip
NO_TEXT = [1, None, [], {}, True]
BAD = {
    "base64Binary": ["a", "QQ=", "QQ==QQ==", "Q*==", "甲", 1, None],
    "boolean": ["true", 0, 1, None],
    "canonical": ["", "a b", "javascript:x", "http://<b>", *NO_TEXT],
    "code": ["", " a", "a ", "a  b", "<script>", "javascript:x", "a\x00", "a\u202eb", *NO_TEXT],
    "date": ["", "0000", "90", "1990-13", "1990-03-32", "1990-3-7", "1990-03-07T08:00:00Z", "1990\n", "１９９０", *NO_TEXT],
    "dateTime": ["1990-03-07T08:00Z", "1990-03-07T08:00:00", "1990-03-07T24:00:00Z", "1990-03-07T08:00:00+15:00", "1990-03T", *NO_TEXT],
    "decimal": ["1", True, None, 10**40, exact.Fraction(b"1e9999"), exact.Fraction(b"1." + b"0" * 50), 1.5],
    "id": ["", "a/b", "..%2f", "x" * 65, "a b", "甲", "a\n", *NO_TEXT],
    "instant": ["1990-03-07", "1990-03-07T08:00:00", *NO_TEXT],
    "integer": [2**31, -(2**31) - 1, True, "1", None, exact.Fraction(b"1.0")],
    "markdown": ["", "a\x00", "a\x7f", *NO_TEXT],
    "oid": ["urn:oid:3.1", "urn:oid:1", "1.2.3", "urn:oid:1.02", *NO_TEXT],
    "positiveInt": [0, -1, 2**31, True, "1"],
    "reference": ["http://a/Patient/1", "patient/1", "Patient/", "Patient/1/x", "Patient/../x", "Patient/..", "Patient/.", "Patient/../_history/1", "javascript:x", *NO_TEXT],
    "string": ["", "a\x00", "a\x08", "a\x1b[0m", *NO_TEXT],
    "time": ["24:00:00", "1:00:00", "10:00", *NO_TEXT],
    "unsignedInt": [-1, 2**31, False, "0"],
    "uri": ["", "a b", "javascript:alert(1)", "JavaScript:x", "vbscript:x", "data:text/html,x", 'a"b', "a<b", "a\x00", *NO_TEXT],
    "url": ["", "java\nscript:x", "javascript:x", *NO_TEXT],
    "uuid": ["53fefa32-fcbb-4ff8-8a92-55ee120877b7", "urn:uuid:53FEFA32-FCBB-4FF8-8A92-55EE120877B7", *NO_TEXT],
}  # fmt: skip


@pytest.mark.parametrize("kind", get_args(Primitive))
def test_each_type_takes_what_is_its_own(kind):
    lawful = CHECKS[kind]
    assert [v for v in GOOD[kind] if not lawful(v)] == []
    assert [v for v in BAD[kind] if lawful(v)] == []


def test_every_type_is_tried():
    assert set(get_args(Primitive)) == set(CHECKS) == set(GOOD) == set(BAD)
    assert set(CHECKS) > FREE
