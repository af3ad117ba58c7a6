"""Fixtures that build real namespaces; they need root."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.netns.world import CHANNELS, World


@pytest.fixture
def world():
    """A miniature box whose gateway has not been started."""
    assert os.geteuid() == 0, "these tests need root: they build network namespaces"
    # Not pytest's own folder: that is closed to the gateway's users.
    with tempfile.TemporaryDirectory(prefix="hbox-test-") as folder:
        made = World(Path(folder))
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def gateway(world):
    """A running gateway with the three channels of the sample hospital."""
    world.issue(*CHANNELS)
    world.start()
    return world
