"""What each account may do in PostgreSQL: the worker owns all, the web process and the inspector what they need.

On SQLite both write one file. Here the web process can read, and write what wishes and logins need;
the audit chain it can only continue: nobody who takes it over can alter or remove an entry. The
compliance inspector reads the few columns that its questions name.
"""

from sqlalchemy import text

from controller.records import assessment, cluster, exchange  # noqa: F401 - their tables join the metadata
from controller.records.session import open_records, transaction
from controller.records.tables import Base

WEB = "hbox-web"
"""The role of the web process: named as its system user, so that the socket alone says who asks."""

INSPECTOR = "hbox-inspect"
"""The role of the compliance inspector, named as its system user."""

INSPECTED = {
    "accounts": (
        "id, name, role, unix_user, disabled, failed, created_at, password_hash, code_hash, password_at, "
        "factor_at"
    ),
    "alerts": "rule, subject, tone, opened_at, closed_at, acknowledged_by",
    "api_tokens": "account_id, name, created_at, expires_at, used_at, revoked_at",
    "audit": "",
    "channel_changes": "number, channel, op, version, state, digest, reason, requester, approver, trial",
    "compliance_runs": "at, digest, json_path, html_path",
    "console_sessions": "account, vm_id, vm_name, state, peer, asked_at, opened_at, closed_at",
    "gateway_minutes": "minute, alive",
    "grants": 'account_id, "right", path',
    "job_steps": "job_id, state, title_zh, title_en",
    "jobs": "id, number, kind, object, state",
    "journal_index": "number, broken",
    "logins": "account_id, began_at",
    "modules": "id, version, digest, state, vm_id, approved_by, approved_at, manifest",
    "nodes": "name, facts, facts_at, state, home, seen_at, why",
    "proofs": "at, document",
    "storages": "name, kind, state",
    "templates": "id, name, version, digest, signer, signature, state, checked_at",
    "tenants": "name",
    "transfers": "number, at, channel, verdict, state, peer, address, hash, rule, count",
    "vms": "id, name, zone, drift, wished",
}
"""Table -> the columns that the inspector reads, "" for all."""

_PAST = r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'aside\_%'"

APPENDED = frozenset({"audit"})
READ = frozenset(
    {
        "transfers", "journal_index", "gateway_minutes", "gateway_reports", "compliance_runs", "proofs",
        "job_steps", "job_lines", "alembic_version", "compliance_statements", "compliance_waivers",
        "foreign_objects", "compliance_choices",
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


def reading_statements() -> list[str]:
    """Return what lets the inspector read what its questions name, and nothing else."""
    made = [f'GRANT USAGE ON SCHEMA public TO "{INSPECTOR}"']
    for name in sorted(Base.metadata.tables):
        made.append(f'REVOKE ALL ON "{name}" FROM "{INSPECTOR}"')
        if name in INSPECTED:
            columns = f" ({INSPECTED[name]})" if INSPECTED[name] else ""
            made.append(f'GRANT SELECT{columns} ON "{name}" TO "{INSPECTOR}"')
    return made


def grant(url: str) -> None:
    """Give the rights anew, after the records got a new form; on SQLite file modes say it all."""
    if not url.startswith("postgresql"):
        return
    engine = open_records(url, patience=60)
    with transaction(engine) as session:
        asked = text("SELECT 1 FROM pg_roles WHERE rolname = :name")
        past = list(session.scalars(text(_PAST)))
        for role, given in ((WEB, statements()), (INSPECTOR, reading_statements())):
            if session.scalar(asked, {"name": role}) is not None:
                # What was put aside is for the owner alone.
                closed = [f'REVOKE ALL ON SCHEMA "{name}" FROM "{role}", PUBLIC' for name in past]
                for statement in (*given, *closed):
                    session.execute(text(statement))
    engine.dispose()
