"""First boot gives the records to the web process, and nothing else that lies beside them."""

import os

from controller.firstboot import share


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
