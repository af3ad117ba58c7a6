"""Where new records are built beside those in force, and how they take their place: at one stroke."""

import socket
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import make_url, text

from appliance import clock
from appliance.errors import Conflict, Text
from appliance.settings import Settings
from controller.records.session import open_records, transaction

FRESH = "restoring"  # the schema, or the file, in which records are built before they count
_DOORS = ("api.sock", "consoles.sock")


class ConsoleRuns(Conflict):
    """The web process, or that of the machines' consoles, serves from the records that would be replaced."""

    code = "records.console_runs"
    text = Text("网页进程仍在运行", "The web process is still running")
    hint = Text(
        "请先停止：systemctl stop hbox-console hbox-web hbox-worker。",
        "Stop it first: systemctl stop hbox-console hbox-web hbox-worker.",
    )


@dataclass(frozen=True)
class RecordsPlace:
    """The database that `settings` names. `url` is where the new records are built, in the same database."""

    settings: Settings
    url: str
    stamp: str

    @classmethod
    def of(cls, settings: Settings, stamp: str) -> "RecordsPlace":
        """Return the place; `stamp` (letters and digits) names what goes aside."""
        if settings.database.startswith("postgresql"):
            parts = make_url(settings.database)
            url = parts.update_query_dict({"options": f"-c search_path={FRESH}"})
            return cls(settings, url.render_as_string(hide_password=False), stamp)
        return cls(settings, f"sqlite:///{settings.state / 'db' / FRESH}", stamp)

    @property
    def aside(self) -> Path:
        """The folder that what counts no longer goes to; whoever fills it makes it."""
        return self.settings.state / f"aside-{self.stamp}"

    def clear(self) -> None:
        """Nothing of an earlier attempt is left."""
        if not self._served:
            for path in (self.settings.state / "db").glob(f"{FRESH}*"):
                path.unlink()
            return
        self._say([f"DROP SCHEMA IF EXISTS {FRESH} CASCADE", f"CREATE SCHEMA {FRESH}"])

    def put_in_force(self, aside: Path) -> None:
        """The former records go aside, the new ones take their place."""
        if self._served:
            old = f"aside_{self.stamp.lower()}"
            swap = [
                f"ALTER SCHEMA public RENAME TO {old}",
                f"ALTER SCHEMA {FRESH} RENAME TO public",
            ]
            self._say(swap)
            return
        self.retire(aside)
        name = Path(make_url(self.settings.database).database or "").name
        for path in (self.settings.state / "db").glob(f"{FRESH}*"):
            path.rename(path.with_name(path.name.replace(FRESH, name)))

    def retire(self, aside: Path) -> None:
        """Put the records of SQLite aside; in PostgreSQL what counts no longer stays where it is."""
        if self._served:
            return
        file = Path(make_url(self.settings.database).database or "")
        for path in file.parent.glob(f"{file.name}*"):
            path.rename(aside / path.name)

    @property
    def _served(self) -> bool:
        return self.settings.database.startswith("postgresql")

    def _say(self, statements: list[str]) -> None:
        engine = open_records(self.settings.database, patience=30)
        with transaction(engine) as session:
            for statement in statements:
                session.execute(text(statement))
        engine.dispose()


def stamp() -> str:
    """Return a name for what goes aside now: the time in UTC, since two may fall within a second."""
    return clock.now().strftime("%Y%m%dT%H%M%S%f")


def elsewhere(settings: Settings, url: str) -> Settings:
    """Return `settings` with another database ("" is SQLite)."""
    return replace(settings, database_url=url)


def nobody_serves(settings: Settings) -> None:
    """Raise `ConsoleRuns` while a process of this machine answers from the records."""
    if any(_opens(settings.run / door) for door in _DOORS):
        raise ConsoleRuns


def serves(settings: Settings, patience: float = 60.0) -> bool:
    """Wait up to `patience` seconds until the web process answers; return whether it does."""
    end = clock.monotonic() + patience
    while not _opens(settings.run / _DOORS[0]):
        if clock.monotonic() > end:
            return False
        clock.pause(0.2)
    return True


def _opens(door: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(door))
        except OSError:
            return False
    return True
