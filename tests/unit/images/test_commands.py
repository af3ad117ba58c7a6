"""The commands that the console script mounts."""

import argparse
from pathlib import Path

import pytest

from images import commands


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers(required=True))
    return parser


@pytest.mark.parametrize(
    "line",
    [
        "lab up --nodes 3 --console-port 9443",
        "lab ssh",
        "lab list",
        "lab down",
        "image build",
        "image list",
        "image vagrant --out somewhere",
    ],
)
def test_every_command_has_something_to_run(line: str) -> None:
    args = _parser().parse_args(line.split())
    assert callable(args.run)


def test_a_command_for_the_node_is_passed_on() -> None:
    args = _parser().parse_args(["lab", "ssh", "--node", "1", "journalctl", "-b"])
    assert (args.node, args.command) == (1, ["journalctl", "-b"])


def test_empty_lists(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("HBOX_LAB", str(tmp_path / "labs"))
    monkeypatch.setenv("HBOX_CACHE", str(tmp_path / "cache"))
    for line in ("lab list", "image list", "lab down --name nothing"):
        args = _parser().parse_args(line.split())
        assert args.run(args) == 0
    assert capsys.readouterr().out == ""
