"""Three nodes for the test of a whole cluster and its faults; all of it is proved gone at the end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from appliance.chance import raw
from appliance.clock import monotonic
from images import lab
from images.lab import leftovers
from images.lab.forward import free_port
from tests.cluster.box import ThreeNodes


@pytest.fixture(scope="session")
def three() -> Iterator[ThreeNodes]:
    made = lab.up(f"c{raw(5).hex()}", nodes=3, console_port=free_port(), patience=400)
    box = ThreeNodes(made)
    box.wait()
    yield box
    made.down()
    assert leftovers.find(made.name) == []


@pytest.fixture
def stage(capsys):
    """Tell how long each part of the test took, as it ends."""

    @contextmanager
    def told(name: str) -> Iterator[None]:
        began = monotonic()
        yield
        with capsys.disabled():
            sys.stdout.write(f"\n  {name}: {monotonic() - began:.0f} s")
            sys.stdout.flush()

    return told
