"""One node for the whole test run: its own lab, its own ports, proved gone at the end."""

from collections.abc import Iterator

import pytest

from appliance.chance import raw
from images import lab
from images.lab import leftovers
from images.lab.forward import free_port


@pytest.fixture(scope="session")
def the_lab() -> Iterator[lab.Lab]:
    made = lab.up(f"t{raw(5).hex()}", nodes=1, console_port=free_port())
    yield made
    made.down()
    assert leftovers.find(made.name) == []


@pytest.fixture(scope="session")
def node(the_lab: lab.Lab) -> lab.LabNode:
    return the_lab.nodes[0]
