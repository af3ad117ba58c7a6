"""One node for these tests, made conforming; proved gone at the end."""

from collections.abc import Iterator

import pytest

from appliance.chance import raw
from images import lab
from images.lab import leftovers
from images.lab.forward import free_port
from tests.violations import box
from tests.violations.suite import Report


@pytest.fixture(scope="session")
def node() -> Iterator[lab.LabNode]:
    made = lab.up(f"v{raw(5).hex()}", nodes=1, console_port=free_port())
    try:
        box.make_conforming(made.nodes[0])
        yield made.nodes[0]
    finally:
        made.down()
    assert leftovers.find(made.name) == []


@pytest.fixture(scope="session")
def before(node: lab.LabNode) -> Report:
    """The conforming box, as every violation is held against it."""
    return box.inspect(node)
