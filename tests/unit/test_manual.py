"""The manual holds: every command in it can be typed, every link leads somewhere, decisions are numbered in order."""

import re
import shlex
from pathlib import Path

import pytest

from controller.cli import parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_COMMAND = re.compile(r"(?:^|`|-- |\.venv/bin/)(hbox [a-z][^`\n]*)", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def commands(text: str) -> list[str]:
    """Return what is to be typed, without remarks; `…` stands for whatever comes there."""
    found = (re.split(r"\s#|，", line)[0].strip() for line in _COMMAND.findall(text))
    return [line for line in found if "…" not in line]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_the_manual_can_be_typed(page: Path) -> None:
    for line in commands(page.read_text("utf-8")):
        words = shlex.split(line)[1:]
        try:
            parser(words[0]).parse_args(words)
        except SystemExit:
            pytest.fail(line)


def test_the_manual_speaks_of_commands() -> None:
    assert len(commands((ROOT / "docs/gateway.md").read_text("utf-8"))) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for link in _LINK.findall(page.read_text("utf-8")):
        assert (page.parent / link).exists(), link


def test_decisions_are_numbered_in_order() -> None:
    names = sorted(path.name for path in (ROOT / "docs/adr").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    for name in names:
        text = (ROOT / "docs/adr" / name).read_text("utf-8")
        assert text.startswith(f"# {int(name[:4])}. "), name
