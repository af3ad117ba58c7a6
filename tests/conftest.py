"""Property tests judge what is true, not how fast a shared machine makes examples; on which database."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres

settings.register_profile("hbox", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hbox")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--records postgresql`: the same tests, their records on a real PostgreSQL."""
    parser.addoption("--records", choices=("sqlite", "postgresql"), default="sqlite")


@pytest.fixture(scope="session", autouse=True)
def _records(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.config.getoption("--records") == "sqlite":
        yield
        return
    with postgres.server() as running:
        postgres.RUNNING.append(running)
        yield
        postgres.RUNNING.clear()


def pytest_configure(config: pytest.Config) -> None:
    """Toy boxes are thrown away with their connections; on a server that is worth a warning, on a file not."""
    if config.getoption("--records") == "postgresql":
        config.addinivalue_line("filterwarnings", "ignore:<psycopg.Connection:ResourceWarning")
