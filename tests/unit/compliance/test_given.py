"""The file of what people gave: what was written is read, anything else is a clear error."""

import json

import pytest

from appliance.errors import BoxError
from compliance import given_file
from compliance.given import Former, Given
from compliance.given_file import BadGiven
from tests.unit.compliance.people import FIREWALL, ROOM, STATED, TODAY, WAIVED

FULL = Given(
    TODAY,
    (STATED,),
    (ROOM, FIREWALL),
    (WAIVED,),
    {"hbox-2025-1.partial": "half"},
    Former("ab" * 32, ("A-18", "6.4.1.1")),
)


def plain():
    return json.loads(given_file.dump(FULL))


def test_what_was_written_is_read(tmp_path):
    file = tmp_path / "given.json"
    file.write_bytes(given_file.dump(FULL))
    assert given_file.read(file) == FULL
    assert given_file.parse(given_file.dump(Given(TODAY))) == Given(TODAY)


DAMAGE = {
    "another form": lambda r: r.update(format="hbox-compliance-given/9"),
    "a field nobody knows": lambda r: r["given"].update(more=1),
    "a field of a statement nobody knows": lambda r: r["given"]["statements"][0].update(role="x"),
    "no subject": lambda r: r["given"]["statements"][0].pop("subject"),
    "a number as text": lambda r: r["given"]["statements"][0]["attachments"][0].update(size="1"),
    "a negative size": lambda r: r["given"]["statements"][0]["attachments"][0].update(size=-1),
    "no digest": lambda r: r["given"]["statements"][0]["attachments"][0].update(sha256="ab"),
    "a verdict people cannot give": lambda r: r["given"]["statements"][0].update(verdict="pending"),
    "no verdict at all": lambda r: r["given"]["statements"][0].update(verdict="good"),
    "no day": lambda r: r["given"].update(today="today"),
    "a day of its own form": lambda r: r["given"].update(today="20261122"),
    "a day that is none": lambda r: r["given"]["statements"][0].update(review_by="2026-02-30"),
    "a waiver's day": lambda r: r["given"]["waivers"][0].update(expires="never"),
    "stated twice": lambda r: r["given"].update(statements=r["given"]["statements"] * 2),
    "waived twice": lambda r: r["given"].update(waivers=r["given"]["waivers"] * 2),
    "an object twice": lambda r: r["given"].update(foreign=r["given"]["foreign"] * 2),
    "an object's name": lambda r: r["given"]["foreign"][0].update(name="a:b"),
    "a kind nobody knows": lambda r: r["given"]["foreign"][0].update(kind="bastion"),
    "an option nobody knows": lambda r: r["given"].update(options={"hbox-2025-1.x": "y"}),
    "a text without end": lambda r: r["given"]["statements"][0].update(record="x" * 30_000),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_refused_with_code_and_hint(how):
    raw = plain()
    DAMAGE[how](raw)
    with pytest.raises(BoxError) as caught:
        given_file.parse(json.dumps(raw).encode())
    assert caught.value.code in ("compliance.bad_given", "compliance.bad_option")
    assert caught.value.message.zh
    assert caught.value.advice.zh


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"\xff", b'{"format": "hbox-compliance-given/1"}']
)
def test_what_is_no_such_file_is_refused(data):
    with pytest.raises(BadGiven):
        given_file.parse(data)


def test_a_file_that_is_not_there_or_too_long(tmp_path, monkeypatch):
    with pytest.raises(BadGiven):
        given_file.read(tmp_path / "no")
    monkeypatch.setattr(given_file, "LIMIT", 10)
    with pytest.raises(BadGiven):
        given_file.parse(given_file.dump(FULL))
