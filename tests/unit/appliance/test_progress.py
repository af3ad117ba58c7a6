"""Progress tells the step, its measured time and the last run's; a broken memory is no obstacle."""

import json

import pytest

from appliance.progress import Progress


def test_a_step_is_announced_timed_and_remembered(tmp_path, capsys):
    memory = tmp_path / "memory.json"
    with Progress(memory).step("boot", "启动节点", "boot the node"):
        pass
    shown = capsys.readouterr().err
    assert "启动节点 boot the node" in shown
    assert "s" in shown.splitlines()[-1]
    assert list(json.loads(memory.read_text())) == ["boot"]
    with Progress(memory).step("boot", "启动节点", "boot the node"):
        pass
    assert "上次" in capsys.readouterr().err


def test_a_failed_step_is_shown_as_failed_and_not_remembered(tmp_path, capsys):
    memory = tmp_path / "memory.json"
    with pytest.raises(RuntimeError), Progress(memory).step("boot", "启动", "boot"):
        raise RuntimeError
    assert "✗" in capsys.readouterr().err
    assert not memory.exists()


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00"])
def test_a_broken_memory_is_started_anew(tmp_path, content):
    memory = tmp_path / "memory.json"
    memory.write_text(content)
    with Progress(memory).step("a", "甲", "a"):
        pass
    assert list(json.loads(memory.read_text())) == ["a"]
