"""Empty places for records on both databases."""

import pytest

from tests import postgres


@pytest.fixture(scope="session")
def server():
    """A real PostgreSQL."""
    if postgres.RUNNING:
        yield postgres.RUNNING[0]
        return
    with postgres.server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """URL of a database without a single table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'db' / 'hbox.sqlite'}"
    running = request.getfixturevalue("server")
    return running.url(running.create())


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """The least work for a passphrase that is still opened."""
    monkeypatch.setattr("appliance.sealing._COST", 2**14)


@pytest.fixture
def empty(server):
    """URL of a PostgreSQL database without a single table."""
    return server.url(server.create())


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request, tmp_path):
    """URL of the second box's records; "" is its own SQLite file."""
    if request.param == "sqlite":
        return ""
    running = request.getfixturevalue("server")
    return running.url(running.create())
