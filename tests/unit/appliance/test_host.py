"""Running programs and replacing files."""

from pathlib import Path

import pytest

from appliance.clock import pause
from appliance.host import (
    BoundedHost,
    CommandFailed,
    CommandMissing,
    CommandTimeout,
    CommandTooLong,
    LocalHost,
    hear,
    start,
    write_atomically,
)
from appliance.secret import Secret


def test_output_code_and_input_come_back():
    result = LocalHost().run(["sh", "-c", "cat; echo bad >&2; exit 3"], stdin=b"in", check=False)
    assert (result.code, result.out, result.err) == (3, b"in", b"bad\n")


def test_failures_have_codes():
    host = LocalHost()
    with pytest.raises(CommandFailed) as failed:
        host.run(["sh", "-c", "echo why >&2; exit 4"])
    assert failed.value.fields["exit"] == 4
    assert "why" in failed.value.message.zh
    with pytest.raises(CommandMissing):
        host.run(["/nonexistent/program"])
    with pytest.raises(CommandTimeout):
        host.run(["sleep", "5"], timeout=0.1)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"one", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(TypeError):
        write_atomically(path, "text")  # type: ignore[arg-type]
    assert path.read_bytes() == b"one"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_started_program_is_ended_by_its_handle(tmp_path):
    running = start(["sleep", "60"], log=tmp_path / "log")
    assert running.alive()
    assert running.end() == -15
    assert not running.alive()


def test_a_secret_never_shows_itself():
    secret = Secret("hunter2")
    assert f"{secret} {secret!r} {[secret]}" == "*** *** [***]"
    assert secret.reveal() == "hunter2"


def test_a_bounded_host_is_a_host_for_what_is_small(tmp_path):
    host = BoundedHost(1000)
    done = host.run(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False, env={"A": "b"})
    assert (done.code, done.out, done.err) == (3, b"out\n", b"err\n")
    (tmp_path / "file").write_bytes(b"x" * 1000)
    assert host.read(str(tmp_path / "file")) == b"x" * 1000
    with pytest.raises(FileNotFoundError):
        host.read(str(tmp_path / "none"))
    with pytest.raises(CommandFailed):
        host.run(["false"])
    with pytest.raises(CommandMissing):
        host.run(["/nonexistent/program"])


def test_a_bounded_host_hears_no_more_than_it_may(tmp_path):
    host = BoundedHost(1000)
    with pytest.raises(CommandTooLong) as said:
        host.run(["yes"], timeout=20)
    assert said.value.heard.startswith(b"y\ny\n")
    assert len(said.value.heard) <= 4096
    (tmp_path / "file").write_bytes(b"x" * 1001)
    with pytest.raises(OSError, match="more than 1000"):
        host.read(str(tmp_path / "file"))
    with pytest.raises(OSError, match="plain file"):
        host.read("/dev/zero")


def test_what_a_bounded_program_leaves_behind_is_ended_with_it(tmp_path):
    left = tmp_path / "pid"
    heard = hear(["sh", "-c", f"sleep 300 >/dev/null 2>&1 & echo $! > {left}; echo done"], timeout=20, most=99)  # fmt: skip
    assert (heard.out, heard.cut, heard.late) == (b"done\n", False, False)
    for _ in range(50):
        if _gone(left.read_text().strip()):
            break
        pause(0.05)
    assert _gone(left.read_text().strip())
    assert hear(["sh", "-c", "echo begun; sleep 300"], timeout=0.5, most=99).out == b"begun\n"


def _gone(pid):
    try:
        return b"\nState:\tZ" in Path(f"/proc/{pid}/status").read_bytes()
    except FileNotFoundError:
        return True
