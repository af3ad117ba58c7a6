"""Keys and signatures: what is not a key or not this key's signature is refused."""

import pytest

from appliance.ca import Authority
from appliance.signing import BadKey, BadSignature, SigningKey, VerifyKey


def test_a_key_signs_and_is_found_again(tmp_path):
    key = SigningKey.load_or_new(tmp_path / "k")
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    again = SigningKey.load_or_new(tmp_path / "k")
    VerifyKey.from_pem((tmp_path / "k.pub").read_bytes()).verify(again.sign(b"x"), b"x", what="x")
    assert key.public.fingerprint == again.public.fingerprint
    assert "PRIVATE" not in repr(key)


def test_what_is_no_key_is_refused(tmp_path):
    Authority(tmp_path / "ca.crt", tmp_path / "ec.key").ensure("a")
    (tmp_path / "junk").write_text("junk")
    for name in ("ec.key", "junk"):
        with pytest.raises(BadKey):
            SigningKey.load(tmp_path / name)
    for pem in (b"", b"junk"):
        with pytest.raises(BadKey):
            VerifyKey.from_pem(pem)


def test_another_text_or_key_is_refused():
    key = SigningKey.new()
    with pytest.raises(BadSignature):
        key.public.verify(key.sign(b"x"), b"y", what="y")
    with pytest.raises(BadSignature):
        SigningKey.new().public.verify(key.sign(b"x"), b"x", what="x")
