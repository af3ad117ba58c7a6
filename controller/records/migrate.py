"""Bringing the records to this version's form (Alembic), from nothing or from an older form."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from controller.records.rights import grant

_HERE = Path(__file__).with_name("migrations")


def upgrade(url: str, revision: str = "head") -> None:
    """Make or upgrade the records at `url` (SQLAlchemy form); running it again changes nothing."""
    parts = make_url(url)
    if parts.drivername.startswith("sqlite") and parts.database:
        Path(parts.database).parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(_config(url), revision)
    if revision == "head":
        grant(url)


def downgrade(url: str, revision: str) -> None:
    """Bring the records back to an earlier form; what that form cannot hold is lost."""
    command.downgrade(_config(url), revision)


def head() -> str:
    """Return the name of this version's form."""
    found = ScriptDirectory(str(_HERE)).get_current_head()
    return str(found)


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["url"] = url
    return config
