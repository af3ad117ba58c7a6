"""Bringing the records to this version's form (Alembic), from nothing or from an older form."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import make_url

_HERE = Path(__file__).with_name("migrations")


def upgrade(url: str) -> None:
    """Make or upgrade the records at `url` (SQLAlchemy form); running it again changes nothing."""
    parts = make_url(url)
    if parts.drivername.startswith("sqlite") and parts.database:
        Path(parts.database).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["url"] = url
    command.upgrade(config, "head")
