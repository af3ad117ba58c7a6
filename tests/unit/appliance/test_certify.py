"""Client certificates for the hospital's own systems: their key stays theirs, only it is taken over."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.ca import Authority, BadRequest, fingerprint
from appliance.guomi_ca import GuomiAuthority
from appliance.host import LocalHost


def openssl(*arguments, check=True):
    return LocalHost().run(["openssl", *arguments], timeout=30, check=check)


def request(folder: Path, curve: str, *more: str) -> bytes:
    key = folder / f"{curve}.key"
    openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", str(key))
    sign = ["-sm3", "-sigopt", "distid:1234567812345678"] if curve == "SM2" else ["-sha256"]
    return openssl("req", "-new", "-key", str(key), "-subj", "/CN=attacker", *sign, *more).out


@pytest.fixture(params=["tls", "sm"])
def authority(request, tmp_path):
    made = {
        "tls": Authority(tmp_path / "ca.crt", tmp_path / "ca.key"),
        "sm": GuomiAuthority(tmp_path / "sm.crt", tmp_path / "sm.key"),
    }[request.param]
    made.ensure("测试医院")
    return made, {"tls": "prime256v1", "sm": "SM2"}[request.param]


def test_only_the_key_is_taken_over(authority, tmp_path):
    made, curve = authority
    wish = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "subjectAltName=DNS:evil"]
    asked = request(tmp_path, curve, *wish)
    pem = made.certify(asked, name="10.66.0.20", site="测试医院")
    cert = x509.load_pem_x509_certificate(pem)
    (common,) = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common.value == "10.66.0.20"
    extensions = cert.extensions
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    uses = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in names] == ["10.66.0.20"]
    if curve != "SM2":
        csr = x509.load_pem_x509_csr(asked)
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert cert.public_key().public_bytes(*form) == csr.public_key().public_bytes(*form)
    (tmp_path / "made.pem").write_bytes(pem)
    own = ["-vfyopt", "distid:1234567812345678"] if curve == "SM2" else []
    openssl(
        "verify", "-purpose", "sslclient", "-CAfile", str(made.certificate), *own,
        str(tmp_path / "made.pem"),
    )  # fmt: skip
    told = openssl("x509", "-noout", "-fingerprint", "-sha256", "-in", str(tmp_path / "made.pem"))
    assert fingerprint(pem) == told.text.strip().partition("=")[2].replace(":", "").lower()


def test_other_keys_and_broken_requests_are_refused(authority, tmp_path):
    made, curve = authority
    other = request(tmp_path, "secp384r1" if curve == "SM2" else "SM2")
    good = request(tmp_path, curve)
    lines = good.decode().splitlines()
    lines[-3] = lines[-3][::-1]
    for asked in (other, b"", b"junk", "\n".join(lines).encode()):
        with pytest.raises(BadRequest):
            made.certify(asked, name="10.66.0.20", site="测试医院")
