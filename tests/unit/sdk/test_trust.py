"""Trust: keys are limited to ids; the file is read strictly."""

import json
from pathlib import Path

import pytest

from appliance.sdk import trust
from appliance.sdk.errors import BadTrust, UnknownKey
from appliance.sdk.trust import Trust, VendorKey
from appliance.signing import SigningKey

PEM = SigningKey.new().public.pem.decode()


@pytest.mark.parametrize(
    ("ids", "module", "allowed"),
    [
        (("visit",), "visit", True),
        (("visit",), "visit-2", False),
        (("acme-*",), "acme-x", True),
        (("acme-*",), "acme-", False),
        (("acme-*",), "acme", False),
        (("acme-*",), "acmeevil-x", False),
        (("a", "b-*"), "b-c", True),
        ((), "visit", False),
    ],
)
def test_ids(ids: tuple[str, ...], module: str, *, allowed: bool) -> None:
    assert VendorKey("v", PEM, ids).allows(module) is allowed


def test_file_round_trip(tmp_path: Path) -> None:
    held = Trust((VendorKey("acme", PEM, ("acme-*", "visit")),))
    path = tmp_path / "trust.json"
    path.write_bytes(held.as_json())
    assert trust.load(path) == held
    assert trust.load(tmp_path / "none.json") == Trust()


def _file(**change: object) -> bytes:
    key = {"vendor": "acme", "pem": PEM, "ids": ["acme-*"], **change}
    return json.dumps({"format": 1, "keys": [key]}).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{}", b'{"format":2,"keys":[]}', b'{"format":1,"keys":[],"x":1}',
        b'{"format":1,"keys":[1]}', _file(pem="x"), _file(ids=[]), _file(ids=["*"]),
        _file(ids=["acme*"]), _file(ids=["-*"]), _file(ids=[1]), _file(ids=None),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused(text: bytes) -> None:
    with pytest.raises(BadTrust):
        trust.parse(text)


def test_nobody_is_trusted_by_default() -> None:
    with pytest.raises(UnknownKey):
        Trust().key("0" * 32)
