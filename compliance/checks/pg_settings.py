"""PostgreSQL keeps passwords as SCRAM, logs who comes and what changes its form, and sums up its pages."""

import tomllib

from appliance.errors import Text
from compliance.checks.asked import SETTINGS, psql
from compliance.evidence import Answers, Evidence
from compliance.model import Check, Judgement, Kind, not_applicable, unknown, weigh

WANTED = {
    "password_encryption": ("scram-sha-256",),
    "log_connections": ("on",),
    "log_disconnections": ("on",),
    "log_statement": ("ddl", "mod", "all"),
    "data_checksums": ("on",),
    "fsync": ("on",),
}


def on_sqlite(settings: Evidence) -> Judgement | None:
    """Return why PostgreSQL is not asked: this box keeps its records in SQLite. None where it is."""
    if str(tomllib.loads(settings.out).get("database_url", "")).startswith("postgresql"):
        return None
    return not_applicable(
        "记录保存在 SQLite 中，没有数据库服务", "The records are in SQLite: no server to ask"
    )


def judge(proofs: Answers) -> Judgement:
    """Judge the settings as the server holds them; one that listens to the network must speak TLS."""
    away = on_sqlite(proofs[0])
    if away:
        return away
    held = dict(line.partition("|")[::2] for line in proofs[1].lines() if "|" in line)
    if not held:
        return unknown(
            f"数据库没有回答：{proofs[1].out[:80]}",
            f"The database did not answer: {proofs[1].out[:80]}",
        )
    faults = [
        Text(f"{name} 为 {held.get(name, '?')}", f"{name} is {held.get(name, '?')}")
        for name, good in WANTED.items()
        if held.get(name) not in good
    ]
    if held.get("listen_addresses") and held.get("ssl") != "on":
        faults.append(Text("监听网络但未启用 TLS", "it listens to the network without TLS"))
    return weigh(
        faults,
        len(WANTED),
        Text("数据库审计与保护设置有效", "The database logs and protects as it should"),
    )


CHECK = Check(
    id="pg_settings",
    kind=Kind.DB,
    title=Text("数据库审计与保护设置", "Settings of the database"),
    items=("8.1.4.3.a", "8.1.4.7.b", "8.1.4.8.b"),
    questions=(
        SETTINGS,
        psql(
            "SELECT name, setting FROM pg_settings WHERE name IN ('password_encryption', 'log_connections', "
            "'log_disconnections', 'log_statement', 'data_checksums', 'fsync', 'ssl', 'listen_addresses') ORDER BY name"
        ),
    ),
    judge=judge,
)
