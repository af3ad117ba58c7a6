"""A real PostgreSQL for tests: Debian's, in a folder of its own, on a Unix socket, run as `postgres`."""

import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from appliance import chance
from controller.records.migrate import upgrade
from controller.records.rights import INSPECTOR, WEB

RUNNING: list["Server"] = []
"""The server that all records of this test run lie on; empty: they are on SQLite."""

# Not for durability: what is tested here is what the server answers, not what a power cut leaves.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# What the server says is written has reached the kernel: it outlives the server, if not the machine.
SAFE = ("fsync=off", "synchronous_commit=on", "full_page_writes=off")
_TRUST = ("local all all trust\n",)


def programs() -> Path:
    """The folder of the newest PostgreSQL that Debian installed here."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    assert found, "no PostgreSQL on this machine: scripts/setup installs it"
    return found[-1]


@dataclass
class Server:
    """One running server; databases are made and dropped, the server may be restarted."""

    folder: Path
    settings: tuple[str, ...] = FAST
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def control(self, *words: str) -> None:
        """`pg_ctl WORDS`, as its user, waiting for the end."""
        options = f"-k {self.folder} -c listen_addresses=''"
        options += "".join(f" -c {setting}" for setting in self.settings)
        argv = [str(programs() / "pg_ctl"), "-D", str(self.data), "-w", "-s", "-t", "60"]
        log = ["-l", str(self.folder / "log"), "-o", options] if words[0] != "stop" else []
        subprocess.run(
            [
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--init-groups",
                *argv,
                *log,
                *words,
            ],
            check=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def restart(self) -> None:
        """As a crash: nothing is told, connections are cut."""
        self.control("restart", "-m", "immediate")

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def ask(
        self, statement: sql.SQL | sql.Composed | str, database: str = "postgres"
    ) -> list[tuple]:
        text = sql.SQL(statement) if isinstance(statement, str) else statement
        plain = f"host={self.folder} user=postgres dbname={database}"
        with psycopg.connect(plain, autocommit=True) as connection:
            answer = connection.execute(text)
            return answer.fetchall() if answer.description else []

    def create(self, template: str = "template0", name: str = "") -> str:
        """Make a database (a copy of `template`, to which nobody may be connected); return its name."""
        name = name or f"box_{chance.new_id().replace('-', '')}"
        text = "CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' LOCALE 'C' STRATEGY file_copy"
        self.ask(sql.SQL(text).format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def roles(self) -> None:
        """The roles that the box has beside the owner, as playbooks/roles/postgresql makes them."""
        known = {name for (name,) in self.ask("SELECT rolname FROM pg_roles")}
        plain = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
        for name in {WEB, INSPECTOR} - known:
            self.ask(plain.format(sql.Identifier(name)))

    def drop(self, name: str) -> None:
        self.ask(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def server(*settings: str) -> Iterator[Server]:
    """A server from nothing; it is ended and its folder removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="hbox-pg-"))  # short: a socket's path has 107 bytes
    shutil.chown(folder, "postgres", "postgres")
    folder.chmod(0o755)
    running = Server(folder, settings or FAST)
    who = pwd.getpwnam("postgres")
    argv = [
        "-D",
        str(running.data),
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        "-U",
        "postgres",
    ]
    subprocess.run(
        [str(programs() / "initdb"), *argv], check=True, cwd="/", user=who.pw_uid, group=who.pw_gid,
        extra_groups=[], stdout=subprocess.DEVNULL,
    )  # fmt: skip
    running.control("start")
    try:
        yield running
    finally:
        running.control("stop", "-m", "immediate")
        shutil.rmtree(folder)


def fresh(folder: Path, file: Path) -> str:
    """URL of the empty records of the box in `folder`: on SQLite `file`, or on the server that runs.

    The same folder gives the same records again, in another process too.
    """
    if not RUNNING:
        return f"sqlite:///{file}"
    note = folder / "records-url"
    if not note.exists():
        running = RUNNING[0]
        note.write_text(running.url(running.create(_empty(running))))
    return note.read_text()


def as_web(url: str) -> str:
    """The same records as the web process reaches them: with its own role, where there are roles."""
    return url.replace("postgres@", f"{WEB}@") if url.startswith("postgresql") else url


def copied(name: str) -> str:
    """URL of a copy of the database `name`, or "" where no server runs."""
    return RUNNING[0].url(RUNNING[0].create(name)) if RUNNING else ""


def _empty(running: Server) -> str:
    """A database with all tables and no rows, made once per server."""
    if "empty" not in running.kept:
        running.roles()
        name = running.create()
        upgrade(running.url(name))
        running.kept["empty"] = name
    return running.kept["empty"]
