"""The join token: what it says survives one line, and anything else is no token."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import joining
from appliance.secret import Secret

MADE = joining.Invitation(
    "8b1de303-ca8c-4711-b348-51f4cc169cc5",
    "d5" * 32,
    ("10.77.0.10:8443",),
    Secret("euvrxh5-jz"),
    "2026-11-22T04:41:12+00:00",
)


def test_a_token_is_one_line_and_says_all_of_it_again():
    line = MADE.line()
    assert line.startswith("hbox-join.")
    assert "\n" not in line
    assert " " not in line
    read = joining.read(f"  {line}\n")
    assert (read.id, read.authority, read.addresses, read.expires) == (
        MADE.id, MADE.authority, MADE.addresses, MADE.expires,
    )  # fmt: skip
    assert read.secret.reveal() == MADE.secret.reveal()
    assert "euvrxh5" not in repr(read)


@pytest.mark.parametrize("keep", [0, 5, 12, 60, -1, -9])
def test_a_part_of_a_token_is_none(keep):
    with pytest.raises(joining.BadToken):
        joining.read(MADE.line()[:keep])


@given(st.text(max_size=200))
def test_anything_else_is_no_token(text):
    with pytest.raises(joining.BadToken):
        joining.read(text)
    with pytest.raises(joining.BadToken):
        joining.read("hbox-join." + text)


@pytest.mark.parametrize(
    "change", [{"v": 2}, {"at": []}, {"at": "10.0.0.1"}, {"ca": 7}, {"key": None}]
)
def test_a_token_of_another_form_is_refused(change):
    raw = json.loads(base64.urlsafe_b64decode(MADE.line().removeprefix("hbox-join.") + "=="))
    body = base64.urlsafe_b64encode(json.dumps({**raw, **change}).encode()).decode().rstrip("=")
    with pytest.raises(joining.BadToken):
        joining.read("hbox-join." + body)


def test_the_spoken_digits_tell_boxes_and_tokens_apart():
    assert MADE.spoken == joining.spoken(MADE.id, MADE.authority)
    assert len(MADE.spoken.replace(" ", "")) == 8
    others = {joining.spoken(MADE.id, f"{n:064x}") for n in range(200)}
    assert len(others) == 200
    assert joining.spoken("other", MADE.authority) != MADE.spoken
