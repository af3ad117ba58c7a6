"""The inspector is told which nodes to ask, by which keys they are known, and has a key of its own."""

import json
import stat
from dataclasses import replace

import pytest

from compliance import far, sandbox
from controller.records.session import transaction
from controller.records.tables import Node
from controller.workers.fleet import Fleet
from controller.workers.inspecting import KEY, hand_over_nodes, public_key
from tests.unit.controller.workers.box import Box

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICIxb+upan6nB6CzOEQeyjWiXTFxPsc0kL87rcVo2s64"


@pytest.fixture
def box(tmp_path):
    made = Box.new(tmp_path)
    yield made
    made.engine.dispose()


def test_the_key_is_made_once_and_read_by_root_alone(box):
    settings = box.settings
    first = public_key(settings)
    assert first == public_key(settings)
    assert first.startswith("ssh-ed25519 ")
    assert len(first.split()) == 2
    assert stat.S_IMODE((settings.keys / KEY).stat().st_mode) == 0o600


def test_the_nodes_that_are_in_are_asked_and_the_home_node_is_not(box, tmp_path, monkeypatch):
    site = replace(box.site, nodes=Fleet(box.settings, box.engine, here="n0"))
    nodes, known = tmp_path / "nodes.json", tmp_path / "known"
    monkeypatch.setattr(sandbox, "NODES", nodes)
    monkeypatch.setattr(sandbox, "KNOWN_HOSTS", known)
    with transaction(box.engine) as session:
        session.add(Node(name="n0", home=True, address="10.0.0.1", state="active"))
    assert hand_over_nodes(site) == ""
    with transaction(box.engine) as session:
        session.add(Node(name="n2", address="10.0.0.2", host_key=HOST_KEY, state="active"))
        session.add(Node(name="n3", address="10.0.0.3", host_key=HOST_KEY, state="joining"))
        session.add(
            Node(name="n4", address="10.0.0.4", host_key=HOST_KEY, state="active", why="away")
        )
    assert hand_over_nodes(site) == str(site.settings.keys / KEY)
    assert far.load(nodes) == [far.Node("n2", "10.0.0.2"), far.Node("n4", "10.0.0.4")]
    assert known.read_text().splitlines() == [f"10.0.0.2 {HOST_KEY}", f"10.0.0.4 {HOST_KEY}"]
    assert "key" not in json.loads(nodes.read_text())[0]
