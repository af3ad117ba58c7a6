"""Keys of Ceph: the form that Ceph reads, secret files, made once."""

import base64
import struct

import pytest

from appliance.host import LocalHost
from controller.drivers import ceph_keys
from controller.drivers.ceph_keys import Entity


def test_a_key_has_cephs_form():
    raw = base64.b64decode(ceph_keys.new_key().reveal())
    kind, _seconds, nanoseconds, length = struct.unpack("<HIIH", raw[:12])
    assert (kind, nanoseconds, length, len(raw)) == (1, 0, 16, 28)
    assert ceph_keys.new_key().reveal() != ceph_keys.new_key().reveal()


def test_a_keyring_names_rights_and_gives_its_key_back():
    key = ceph_keys.new_key()
    text = ceph_keys.keyring([(ceph_keys.HBOX, key), (Entity("mon.", {}), ceph_keys.new_key())])
    assert text.startswith(f'[client.hbox]\n\tkey = {key.reveal()}\n\tcaps mon = "profile rbd"\n')
    assert ceph_keys.key_of(text, "client.hbox").reveal() == key.reveal()
    with pytest.raises(KeyError):
        ceph_keys.key_of(text, "client.admin")


def test_first_keys_are_made_once_and_for_root_alone(tmp_path):
    folder = tmp_path / "ceph"
    ceph_keys.first_keys(LocalHost(), folder, ["n1", "n2"])
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert set(before) == {
        "mon.keyring", "client.admin.keyring", "client.hbox.keyring", "client.hbox.key",
        "mgr.n1.keyring", "mgr.n2.keyring",
    }  # fmt: skip
    assert before["client.hbox.key"] in before["client.hbox.keyring"]
    assert "caps" not in before["client.hbox.keyring"], "rights are the monitors' business"
    ceph_keys.first_keys(LocalHost(), folder, ["n1", "n2"])
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_an_interrupted_making_is_made_whole(tmp_path):
    """The monitors' keyring comes last: without it the others are made again, all of one casting."""
    folder = tmp_path / "ceph"
    ceph_keys.first_keys(LocalHost(), folder, ["n1"])
    (folder / "mon.keyring").unlink()
    ceph_keys.first_keys(LocalHost(), folder, ["n1"])
    seed = (folder / "mon.keyring").read_text()
    for name in ("client.admin", "client.hbox", "mgr.n1"):
        kept = ceph_keys.kept(LocalHost(), folder, name)
        assert kept is not None
        assert kept.reveal() == ceph_keys.key_of(seed, name).reveal()
