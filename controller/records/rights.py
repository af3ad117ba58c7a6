"""What the two processes may do in PostgreSQL: the worker owns all, the web process what it needs.

On SQLite both write one file. Here the web process can read, and write what wishes and logins need;
the audit chain it can only continue: nobody who takes it over can alter or remove an entry.
"""

from sqlalchemy import text

from controller.records import cluster, exchange  # noqa: F401 - their tables join the metadata
from controller.records.session import open_records, transaction
from controller.records.tables import Base

WEB = "hbox-web"
"""The role of the web process: named as its system user, so that the socket alone says who asks."""

APPENDED = frozenset({"audit"})
READ = frozenset(
    {
        "transfers", "journal_index", "gateway_minutes", "gateway_reports", "compliance_runs", "proofs",
        "job_steps", "job_lines", "alembic_version",
    }
)  # fmt: skip
"""What the web process only shows: it is written by the worker."""


def statements() -> list[str]:
    """Return what gives the web process its rights, and takes all others."""
    made = [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f'GRANT USAGE ON SCHEMA public TO "{WEB}"',
    ]
    for name in sorted({*Base.metadata.tables, *READ}):
        given = "SELECT" if name in READ else "SELECT, INSERT, UPDATE, DELETE"
        given = "SELECT, INSERT" if name in APPENDED else given
        made += [f'REVOKE ALL ON "{name}" FROM "{WEB}"', f'GRANT {given} ON "{name}" TO "{WEB}"']
    return made


def grant(url: str) -> None:
    """Give the rights anew, after the records got a new form; on SQLite file modes say it all."""
    if not url.startswith("postgresql"):
        return
    engine = open_records(url, patience=60)
    with transaction(engine) as session:
        asked = text("SELECT 1 FROM pg_roles WHERE rolname = :name")
        if session.scalar(asked, {"name": WEB}) is not None:
            for statement in statements():
                session.execute(text(statement))
    engine.dispose()
