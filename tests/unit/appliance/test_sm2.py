"""SM2: the standard's own example, the openssl program as second opinion, and what must be refused."""

import base64

import pytest

from appliance.host import LocalHost
from appliance.signing import BadSignature, SigningKey
from appliance.sm2 import BadSm2Key, Sm2Key, Sm2PublicKey

# GB/T 32918.5-2017, Annex A: key, message and signature of the example.
X = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
Y = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
SPKI = "3059301306072a8648ce3d020106082a811ccf5501822d03420004"


def pem(der: bytes) -> bytes:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{text}-----END PUBLIC KEY-----\n".encode()


def der(r: str, s: str) -> bytes:
    return bytes.fromhex(f"3046022100{r}022100{s}")


def test_the_standards_example_verifies():
    key = Sm2PublicKey(pem(bytes.fromhex(SPKI + X + Y)))
    key.verify(der(R, S), b"message digest", what="example")
    for signature, message in ((der(R, S), b"message digesT"), (der(S, R), b"message digest")):
        with pytest.raises(BadSignature):
            key.verify(signature, message, what="example")


def test_what_we_sign_openssl_verifies_and_the_other_way(tmp_path):
    key = Sm2Key.load_or_new(tmp_path / "k")
    assert Sm2Key.load_or_new(tmp_path / "k").public.pem == key.public.pem
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    message = "门诊 1 床".encode() * 50
    (tmp_path / "m").write_bytes(message)
    (tmp_path / "s").write_bytes(key.sign(message))
    options = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    program = ["openssl", "pkeyutl", *options, "-in", str(tmp_path / "m")]
    said = LocalHost().run([*program, "-verify", "-pubin", "-inkey", str(tmp_path / "k.pub"),
                            "-sigfile", str(tmp_path / "s")])  # fmt: skip
    assert "Verified Successfully" in said.text
    theirs = LocalHost().run([*program, "-sign", "-inkey", str(tmp_path / "k")]).out
    key.public.verify(theirs, message, what="theirs")


@pytest.mark.parametrize("spoil", [b"", b"\x30\x00", bytes(72), b"\xff" * 200])
def test_garbage_is_no_signature(spoil):
    with pytest.raises(BadSignature):
        Sm2Key.new().public.verify(spoil, b"m", what="garbage")


def test_another_kind_of_key_is_refused(tmp_path):
    SigningKey.new().save(tmp_path / "ed")
    with pytest.raises(BadSm2Key):
        Sm2Key.load(tmp_path / "ed")
    with pytest.raises(BadSm2Key):
        Sm2PublicKey((tmp_path / "ed.pub").read_bytes())


def test_a_key_never_shows_itself():
    key = Sm2Key.new()
    assert repr(key) == f"Sm2Key({key.public.fingerprint})"
