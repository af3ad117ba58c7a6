"""The legs' certificates: made once, renewed in time, made good after a power cut, trusted as told."""

import datetime as dt
import json
import shutil
import subprocess

import pytest
import uvloop
from cryptography import x509

from appliance import ca
from appliance.ca import Authority
from appliance.clock import now
from appliance.guomi_ca import GuomiAuthority
from network.gateway.certificates import CertificatesUnread, ensure, secrets
from network.gateway.suites import Identity
from tests.unit.network.handshaking import call, door, made

SITE = "某市/第一\\人民医院+=,#"
ALL = ["front-tls", "front-sm", "back-tls", "back-sm"]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    authority = Authority(folder / "ca.crt", folder / "ca.key")
    authority.ensure(SITE)
    assert ensure(folder / "keys", authority, SITE) == ALL
    return folder


@pytest.fixture
def box(first, tmp_path):
    folder = shutil.copytree(first, tmp_path / "box")
    return folder / "keys", Authority(folder / "ca.crt", folder / "ca.key")


def test_they_are_made_once_and_only_root_reads_the_keys(box):
    keys, authority = box
    assert ensure(keys, authority, SITE) == []
    assert {oct(p.stat().st_mode & 0o777) for p in keys.glob("*.key")} == {"0o600"}
    for name in ALL:
        cert = x509.load_pem_x509_certificate((keys / f"{name}.crt").read_bytes())
        assert cert.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)[0].value == SITE
        assert cert.not_valid_before_utc <= now() <= cert.not_valid_after_utc
    assert not list(keys.glob(".making-*"))


def test_openssl_itself_verifies_the_sm2_chain(box):
    keys, _ = box
    argv = ["openssl", "verify", "-CAfile", keys / "sm-ca.crt", "-vfyopt", "distid:1234567812345678",
            "-purpose", "sslclient", keys / "back-sm.crt"]  # fmt: skip
    assert subprocess.run(argv, capture_output=True, check=False).stdout.endswith(b": OK\n")


def test_they_are_renewed_before_they_end(box, monkeypatch):
    keys, authority = box
    later = now() + dt.timedelta(days=ca.SERVER_DAYS - ca.RENEW_DAYS + 1)
    monkeypatch.setattr(ca, "now", lambda: later)
    assert ensure(keys, authority, SITE) == ALL


def test_another_address_means_another_certificate(box):
    keys, authority = box
    assert ensure(keys, authority, SITE, {"front": "10.99.0.2"}) == ["front-tls", "front-sm"]


@pytest.mark.parametrize("name", ["front-tls", "back-sm"])
@pytest.mark.parametrize("how", ["gone", "empty", "another's"])
def test_a_key_that_a_power_cut_left_wrong_is_made_anew(box, name, how):
    keys, authority = box
    key = keys / f"{name}.key"
    if how == "gone":
        key.unlink()
    elif how == "empty":
        key.write_bytes(b"")
    else:
        other = {"front": "back", "back": "front"}[name.split("-")[0]]
        key.write_bytes((keys / f"{other}-{name.split('-')[1]}.key").read_bytes())
    assert ensure(keys, authority, SITE) == [name]
    assert ensure(keys, authority, SITE) == []


def test_a_leg_gets_its_own_keys_and_no_other(box):
    keys, _ = box
    told = json.loads(secrets(keys, "front"))
    assert set(told) == {"tls", "sm"}
    assert told["sm"]["key"] == (keys / "front-sm.key").read_text()
    assert (keys / "back-sm.key").read_text() not in secrets(keys, "front").decode()
    assert (keys / "sm-ca.key").read_text() not in json.dumps(told)
    assert len(secrets(keys, "front")) < 60_000


def test_nothing_made_is_nothing_told_and_nonsense_is_said(tmp_path, box):
    assert secrets(tmp_path / "none", "front") == b"{}"
    keys, _ = box
    (keys / "front-sm.crt").write_bytes("证书".encode())
    with pytest.raises(CertificatesUnread):
        secrets(keys, "front")


@pytest.mark.parametrize("kind", ["tls", "sm"])
def test_a_root_that_the_hospital_adds_is_trusted_and_no_other(tmp_path, kind):
    ours, theirs = made(tmp_path / "ours"), made(tmp_path / "theirs")
    root = {"tls": "tls-ca.crt", "sm": "sm-ca.crt"}[kind]
    keys = tmp_path / "ours/keys"

    async def run():
        async with door(theirs, kind) as (port, _):
            with pytest.raises(ConnectionError, match="verify failed"):
                await call(ours, port, kind)
        text = (tmp_path / "theirs/keys" / root).read_text()
        (keys / f"trusted-{kind}.crt").write_text(text)
        told = json.loads(secrets(keys, "front"))
        both = {name: Identity(**parts) for name, parts in told.items()}
        async with door(theirs, kind) as (port, _):
            line = await call(both, port, kind)
            line.transport.abort()

    uvloop.run(run())


def test_a_certificate_for_a_hospital_system_names_what_it_is_for(tmp_path):
    authority = GuomiAuthority(tmp_path / "ca.crt", tmp_path / "ca.key")
    authority.ensure("s")
    authority.issue(tmp_path / "his.crt", tmp_path / "his.key", names=["his.local", "10.66.0.30"], site="s")  # fmt: skip
    cert = x509.load_pem_x509_certificate((tmp_path / "his.crt").read_bytes())
    held = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert held.get_values_for_type(x509.DNSName) == ["his.local"]
    assert [str(a) for a in held.get_values_for_type(x509.IPAddress)] == ["10.66.0.30"]
