"""What each process may see: its own folders, and its program wherever that lies."""

import sys
from pathlib import Path

import pytest

from network.gateway.layout import Account, Layout
from network.gateway.rooms import room

NOBODY = Account(65534, 65534)
LAYOUT = Layout(front=NOBODY, guard=NOBODY, back=NOBODY, scan=NOBODY)


@pytest.mark.parametrize("name", ["front", "guard", "back", "scan"])
def test_on_the_box_no_code_lies_where_processes_could_meet(name, monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/usr/lib/hbox/venv")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    here = room(LAYOUT, name)
    assert not any(path.is_relative_to("/usr") for path in here.code)
    assert not set(here.code) & {*here.shown, *here.writable}


def test_a_program_in_a_hidden_place_is_shown_but_nothing_else_of_it(monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/home/somebody/box/.venv")
    monkeypatch.setattr(sys, "base_prefix", "/home/somebody/python")
    code = room(LAYOUT, "front").code
    assert {Path("/home/somebody/box/.venv"), Path("/home/somebody/python")} <= set(code)
    assert Path("/home/somebody") not in code


def test_no_two_processes_can_write_to_one_folder():
    rooms = [room(LAYOUT, name).writable for name in ("front", "guard", "back", "scan")]
    everything = [path for writable in rooms for path in writable]
    assert len(everything) == len(set(everything))
    assert not any(a in b.parents for a in everything for b in everything)
