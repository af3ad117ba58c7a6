"""First boot gives the records to the web process, and nothing else that lies beside them."""

import os

from appliance.host import LocalHost, Result
from appliance.settings import Settings
from controller.access import factors
from controller.firstboot import certificates, gateway_keys, second_factor_key, share
from network.gateway import certificates as legs
from network.gateway import heads, vault


def test_a_file_of_the_records_is_shared(tmp_path):
    path = tmp_path / "hbox.sqlite"
    path.write_text("records")
    path.chmod(0o600)
    share(path, os.getgid())
    assert path.stat().st_mode & 0o777 == 0o660


def test_what_the_web_process_linked_there_stays_as_it_is(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("root's")
    secret.chmod(0o600)
    folder = tmp_path / "db"
    folder.mkdir()
    (folder / "soft").symlink_to(secret)
    (folder / "hard").hardlink_to(secret)
    (folder / "nowhere").symlink_to(tmp_path / "none")
    os.mkfifo(folder / "pipe", 0o600)
    (folder / "folder").mkdir(mode=0o700)
    for path in folder.iterdir():
        share(path, os.getgid())
    assert secret.stat().st_mode & 0o777 == 0o600
    assert (folder / "pipe").stat().st_mode & 0o777 == 0o600
    assert (folder / "folder").stat().st_mode & 0o777 == 0o700


class NoGroup(LocalHost):
    """This machine has no group hbox; all else is done for real."""

    def run(self, argv, **given) -> Result:
        return (
            Result(tuple(argv), 0, b"", b"") if argv[0] == "chown" else super().run(argv, **given)
        )


def test_a_box_is_born_with_every_key_of_the_gateway_and_keeps_them(tmp_path):
    settings = Settings(state=tmp_path)
    gateway_keys(settings)
    certificates(settings, NoGroup())
    private = {p.name: p.read_bytes() for p in settings.keys.glob("*.key")}
    assert set(private) >= {
        vault.FILE, heads.ED25519, heads.SM2, "ca.key", "sm-ca.key",
        "front-tls.key", "front-sm.key", "back-tls.key", "back-sm.key",
    }  # fmt: skip
    assert all(p.stat().st_mode & 0o077 == 0 for p in settings.keys.glob("*.key"))
    vault.load(settings.keys / vault.FILE)
    assert legs.secrets(settings.keys, "front") != b"{}"
    second_factor_key(settings, NoGroup())
    key = tmp_path / "tls" / factors.KEY
    sealed = factors.lock(settings).close(b"secret", "x")
    assert key.stat().st_mode & 0o777 == 0o640
    second_factor_key(settings, NoGroup())
    assert factors.lock(settings).open(sealed, "x") == b"secret"
    gateway_keys(settings)
    certificates(settings, NoGroup())
    assert private == {p.name: p.read_bytes() for p in settings.keys.glob("*.key")}
