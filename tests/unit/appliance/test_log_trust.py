"""The log's certificate of a node that stands alone: made once, renewed in time, with CA and revocation list."""

from dataclasses import replace

import pytest

from appliance import ca, node_keys
from appliance.host import LocalHost
from appliance.log_trust import log_trust
from appliance.node_ca import NodeAuthority


@pytest.fixture
def place(tmp_path, monkeypatch):
    folder = tmp_path / "pki"
    names = ("key", "certificate", "authority", "revoked")
    made = replace(node_keys.PLACES["log"], **{name: str(folder / name) for name in names})
    monkeypatch.setattr(node_keys, "PLACES", {**node_keys.PLACES, "log": made})
    return folder


def test_it_is_made_once_and_renewed_in_time(tmp_path, place, monkeypatch):
    (tmp_path / "tls").mkdir()
    authority = NodeAuthority.of(tmp_path)
    authority.ensure()
    assert log_trust(authority, LocalHost())
    first, key = (place / "certificate").read_bytes(), (place / "key").read_bytes()
    assert (place / "revoked").read_bytes() == authority.revoked.read_bytes()
    assert (place / "authority").read_bytes() == authority.certificate.read_bytes()
    assert not log_trust(authority, LocalHost())
    monkeypatch.setattr(ca, "RENEW_DAYS", ca.SERVER_DAYS + 1)
    assert log_trust(authority, LocalHost())
    assert (place / "certificate").read_bytes() != first
    assert (place / "key").read_bytes() == key
