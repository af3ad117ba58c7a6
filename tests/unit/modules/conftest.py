"""One running chain for all tests of the shipped modules; each test takes slots of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.modules.chain import Chain


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    running = Chain(tmp_path_factory.mktemp("chain"))
    yield running
    running.end()


@pytest.fixture
def own_chain(tmp_path: Path) -> Iterator[Chain]:
    """A chain for tests that break it."""
    running = Chain(tmp_path)
    yield running
    running.end()
