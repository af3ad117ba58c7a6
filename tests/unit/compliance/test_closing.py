"""What the walk finds open is closed, by its bytes, whatever its name pretends to be."""

import json
import os
import stat
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import closing, walk
from compliance.before import capture, put_back
from compliance.checks import setuid_files
from compliance.evidence import Answer, Evidence, Status

# As the kernel keeps it (revision 2, effective): CAP_DAC_OVERRIDE.
CAPABLE = struct.pack("<5I", 0x02000001, 1 << 1, 0, 0, 0)
NAMES = (
    b"plain", b"a\nb", b"a\x0bend 1 0.0", b"a b", b" ", b"a\\nb", b"\\x41", b"$HOME", b"~", b"{{ 7 * 7 }}",
    b"\xff\xfe", "更新".encode(), "su\u202exe".encode(), "a\u2028b".encode(), "a\x85b".encode(), b"-rf",
)  # fmt: skip


@pytest.fixture
def strays(tmp_path):
    """A folder with a program of another's rights under each of the names."""
    for name in NAMES:
        path = tmp_path / os.fsdecode(name)
        path.write_bytes(b"x")
        path.chmod(0o4755)
    return tmp_path


def modes(folder):
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in os.scandir(os.fsencode(folder))}


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_a_name_stays_on_its_line_and_can_be_read_back(name):
    path = os.fsdecode(name)
    told = walk.shown(path)
    assert told.isprintable()
    assert told.splitlines() == [told]
    assert walk.read_back(told) == path


@pytest.mark.parametrize("name", NAMES)
def test_two_names_are_never_told_alike(name):
    told = [walk.shown(os.fsdecode(one)) for one in NAMES]
    assert told.count(walk.shown(os.fsdecode(name))) == 1


def test_rights_go_from_every_name_and_come_back(strays):
    patterns = ("open:/",)
    before = capture(patterns, root=str(strays))
    dry = closing.close("rights", str(strays), dry=True)
    assert set(modes(strays).values()) == {0o4755}
    assert closing.close("rights", str(strays)) == dry
    assert len(dry[0]) == len(NAMES)
    assert set(modes(strays).values()) == {0o755}
    assert closing.close("rights", str(strays)) == ([], [])
    kept = json.loads(json.dumps(before))
    assert len(put_back(kept, patterns, root=str(strays))) == len(NAMES)
    assert set(modes(strays).values()) == {0o4755}


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives rights away")
def test_capabilities_go_and_come_back(tmp_path):
    path = tmp_path / "a\nb"
    path.touch(mode=0o755)
    os.setxattr(path, walk.CAPABILITY, CAPABLE)
    path.chmod(0o4755)
    patterns = ("open:/",)
    before = capture(patterns, root=str(tmp_path))
    told = closing.close("rights", str(tmp_path))
    assert len(told[0]) == 2, "one line for the bit and one for the capability"
    assert walk.capability(str(path)) == b""
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert put_back(json.loads(json.dumps(before)), patterns, root=str(tmp_path)) == ["/a\nb"]
    assert walk.capability(str(path)) == CAPABLE
    assert stat.S_IMODE(path.stat().st_mode) == 0o4755


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives rights away")
def test_a_capability_alone_is_kept_and_told_as_a_mode(tmp_path):
    path = tmp_path / "x"
    path.touch(mode=0o755)
    os.setxattr(path, walk.CAPABILITY, CAPABLE)
    before = capture(("open:/",), root=str(tmp_path))
    closing.close("rights", str(tmp_path))
    assert put_back(before, ("open:/",), root=str(tmp_path)) == ["/x"]
    assert walk.capability(str(path)) == CAPABLE


def test_a_second_name_of_a_program_that_is_meant_keeps_its_rights(tmp_path, monkeypatch):
    monkeypatch.setattr(closing, "meant", lambda shown: shown.endswith("/bin/su"))
    (tmp_path / "bin").mkdir()
    own = tmp_path / "bin" / "su"
    own.touch()
    own.chmod(0o4755)
    (tmp_path / "other").hardlink_to(own)
    (tmp_path / "copy").touch()
    (tmp_path / "copy").chmod(0o4755)
    before, _ = closing.close("rights", str(tmp_path))
    assert [line.split(" ")[2] for line in before] == [f"{tmp_path}/copy"]
    assert stat.S_IMODE(own.stat().st_mode) == 0o4755


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_what_is_open_or_nobodys_is_closed_links_and_pipes_too(tmp_path):
    (tmp_path / "open\n").touch()
    (tmp_path / "open\n").chmod(0o666)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(0o777)
    (tmp_path / "link").symlink_to("/etc/shadow")
    os.mkfifo(tmp_path / "pipe", 0o644)
    shadow = Path("/etc/shadow").stat()
    for name in ("link", "pipe"):
        os.chown(tmp_path / name, 424242, 424242, follow_symlinks=False)
    os.chown(tmp_path / "open\n", 424242, 0)
    before = capture(("open:/",), root=str(tmp_path))
    assert len(closing.close("strays", str(tmp_path))[1]) == 5
    assert next(walk.lines(str(tmp_path))).startswith("end ")
    assert stat.S_IMODE((tmp_path / "pipe").stat().st_mode) == 0o600
    now = Path("/etc/shadow").stat()
    assert (now.st_mode, now.st_uid) == (shadow.st_mode, shadow.st_uid), "a link is not followed"
    put_back(before, ("open:/",), root=str(tmp_path))
    assert {(tmp_path / name).lstat().st_uid for name in ("link", "pipe", "open\n")} == {424242}
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777


def test_ansible_is_told_what_changed_and_what_would(strays, tmp_path, capsys):
    asked = {"what": "rights", "_ansible_check_mode": True}
    told = closing.answer(asked, str(strays))
    assert told["changed"]
    assert "4755 0:0" in told["diff"]["before"]
    assert set(modes(strays).values()) == {0o4755}
    assert closing.answer({"what": "strays"}, str(strays))["changed"] is False
    file = tmp_path / "arguments"
    file.write_text('{"what": "everything"}')
    assert closing.main([str(file)]) == 1
    assert json.loads(capsys.readouterr().out)["failed"]


def test_a_second_name_of_a_program_that_is_meant_is_left_to_a_person(tmp_path, monkeypatch):
    meant, other = tmp_path / "su", tmp_path / "other"
    meant.write_bytes(b"x")
    meant.chmod(0o4755)
    other.hardlink_to(meant)
    own = tmp_path / "own"
    own.write_bytes(b"x")
    own.chmod(0o4755)
    monkeypatch.setattr(setuid_files, "FOLDERS", (str(tmp_path),))
    told = "\n".join(walk.lines(str(tmp_path)))
    proof = Evidence.of("walk", Answer(told, Status.ANSWERED), at="", where="")
    reason = setuid_files.judge((proof,)).reason
    assert f"{other}（清单内程序的另一个名字，须由人删除）" in reason.zh
    assert f"{own}；" in f"{reason.zh}；"


def test_one_walk_closes_what_two_would(tmp_path):
    for name, mode in (("both", 0o4757), ("program", 0o2755), ("open", 0o646)):
        (tmp_path / name).write_bytes(b"x")
        (tmp_path / name).chmod(mode)
    (tmp_path / "nobodys").write_bytes(b"x")
    os.chown(tmp_path / "nobodys", 424242, 0)
    (tmp_path / "nobodys").chmod(0o6757)
    before, after = closing.close("all", str(tmp_path))
    assert modes(tmp_path) == {b"both": 0o755, b"program": 0o755, b"open": 0o644, b"nobodys": 0o700}
    assert (tmp_path / "nobodys").stat().st_uid == 0
    assert sum(" 0:0 " in line and "/both" in line for line in after) == 2
    assert f"0755 0:0 {tmp_path}/both" in after, "the last line of a file tells how it stands"
    assert len(before) == len(after)
    assert closing.close("all", str(tmp_path)) == ([], [])
