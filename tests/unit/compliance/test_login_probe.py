"""The probe's key in a file of keys: it comes, it goes, and nobody else's key comes or goes with it."""

import pytest

from compliance import login_probe


@pytest.fixture
def keys(tmp_path, monkeypatch):
    path = tmp_path / ".ssh" / "authorized_keys"
    monkeypatch.setattr(login_probe, "_KEYS", path)
    return path


@pytest.mark.parametrize(
    "held", [b"", b"ssh-rsa AAAA me\n", b"ssh-rsa AAAA me", b"ssh-rsa AAAA m\xfcller\n"]
)
def test_the_file_is_byte_for_byte_what_it_was(keys, tmp_path, held):
    keys.parent.mkdir()
    keys.write_bytes(held)
    keys.chmod(0o640)
    with login_probe._key(tmp_path):
        assert login_probe.MARK.encode() in keys.read_bytes()
        assert keys.read_bytes().startswith(held)
    assert keys.read_bytes() == held
    assert keys.stat().st_mode & 0o777 == 0o640


def test_where_there_was_no_file_there_is_none(keys, tmp_path):
    with login_probe._key(tmp_path):
        assert keys.exists()
    assert not keys.exists()


def test_a_key_that_came_or_went_meanwhile_stays_so(keys, tmp_path):
    keys.parent.mkdir()
    keys.write_text("ssh-rsa AAAA gone\n")
    with login_probe._key(tmp_path):
        line = keys.read_text().splitlines()[-1]
        keys.write_text(f"ssh-rsa BBBB come\n{line}\n")
    assert keys.read_text() == "ssh-rsa BBBB come\n"


def test_a_link_to_the_keys_stays_a_link(keys, tmp_path):
    keys.parent.mkdir()
    (tmp_path / "elsewhere").write_text("ssh-rsa AAAA me\n")
    keys.symlink_to(tmp_path / "elsewhere")
    with login_probe._key(tmp_path):
        assert login_probe.MARK in (tmp_path / "elsewhere").read_text()
    assert keys.is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "ssh-rsa AAAA me\n"
