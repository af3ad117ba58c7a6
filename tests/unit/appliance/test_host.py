"""Running programs and replacing files."""

import pytest

from appliance.host import (
    CommandFailed,
    CommandMissing,
    CommandTimeout,
    LocalHost,
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
