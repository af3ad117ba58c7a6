"""What a box had written when its records had an earlier form: one row of everything, by table."""

from sqlalchemy import Engine, MetaData, insert

AT = "2026-11-01T08:00:00.000000+00:00"
VM = "6f1c1b1e-0000-4000-8000-000000000001"
JOB = "6f1c1b1e-0000-4000-8000-00000000000a"
HASH = "a" * 64

_VM = {
    "id": VM, "name": "his-1", "node": "n1", "zone": "intranet", "address": "10.66.0.10",
    "mac": "52:54:00:00:00:01", "vcpus": 2, "memory_mib": 2048, "disk_gib": 20, "wished": "running",
    "actual": "running", "actual_at": AT, "agent": True, "job_id": JOB, "version": 3, "created_at": AT,
}  # fmt: skip
_JOB = {
    "id": JOB, "number": 1, "kind": "vm.create", "action": {"vm_id": VM, "name": "his-1"},
    "title_zh": "创建虚拟机", "title_en": "Create", "object": f"vm/{VM}", "actor": "sysadmin",
    "role": "system", "locks": [f"vm/{VM}"], "state": "succeeded", "audit_number": 1, "created_at": AT,
    "resumed": 0, "cancel_asked": False, "result": {"vm": VM},
}  # fmt: skip
_AUDIT = {
    "number": 1, "at": AT, "actor": "sysadmin", "role": "system", "act": "vm.create",
    "object": f"vm/{VM}", "detail": "{}", "outcome": "submitted", "previous": "0" * 64, "hash": HASH,
}  # fmt: skip
_MODULE = {
    "id": "appointment", "version": "1.0.0", "vendor": "示范厂商", "summary_zh": "预约", "summary_en": "Booking",
    "simulated": True, "digest": HASH, "key": "b" * 32, "vm_id": VM, "manifest": {"id": "appointment"},
    "state": "running", "job_id": JOB,
}  # fmt: skip
_TRANSFER = {
    "number": 7, "at": AT, "channel": "lab-report", "direction": "intranet->extranet", "lane": "store",
    "verdict": "allowed", "rule": "", "data_class": "3", "peer": "10.66.0.20", "size": 100,
    "state": "delivered", "latency_ms": 1.5, "hash": HASH,
}  # fmt: skip
_CHANGE = {
    "number": 1, "channel": "lab-report", "op": "put", "base": 0, "before": "", "text": "id = 1",
    "digest": HASH, "reason": "因业务需要", "widens": ["x"], "state": "approved", "requester": "sysadmin",
    "requested_at": AT, "version": 1, "trial": {"digest": HASH}, "job_id": JOB,
}  # fmt: skip
_ALERT = {
    "id": "al", "rule": "dead", "subject": "lab-report", "tone": "warn", "facts": {"n": 3}, "evidence": 7,
    "opened_at": AT, "seen_at": AT,
}  # fmt: skip

FIRST = {
    "accounts": {
        "id": "acc", "name": "sysadmin", "role": "system", "unix_user": "hbox-sys", "failed": 0,
        "disabled": False, "created_at": AT,
    },
    "logins": {"token_hash": HASH, "account_id": "acc", "csrf": "c", "began_at": AT, "seen_at": AT},
    "nodes": {"name": "n1", "facts": {"cpu": "x"}, "facts_at": AT, "accelerator": "tcg"},
    "jobs": _JOB,
    "job_steps": {
        "job_id": JOB, "position": 0, "key": "disk", "title_zh": "盘", "title_en": "disk",
        "state": "done", "started_at": AT, "seconds": 0.25,
    },
    "job_lines": {"id": 1, "job_id": JOB, "at": AT, "line": "建立系统盘"},
    "idempotency_keys": {"account": "sysadmin", "key": "k", "body_digest": HASH, "job_id": JOB, "at": AT},
    "audit": _AUDIT,
    "vms": _VM,
    "volumes": {"id": f"{VM}/system", "vm_id": VM, "kind": "system", "path": "/v/system.qcow2"},
    "vendor_keys": {
        "fingerprint": "b" * 32, "vendor": "示范厂商", "pem": "PEM", "ids": ["appointment"],
        "added_by": "secadmin", "added_at": AT,
    },
    "modules": _MODULE,
    "transfers": _TRANSFER,
    "proofs": {"id": "p", "at": AT, "level": "A", "open_ways": 0, "document": {"ok": True}},
    "compliance_runs": {
        "id": "c", "at": AT, "seconds": 1.5, "ruleset": "r", "digest": HASH, "json_path": "j",
        "html_path": "h", "summary": {"pass": 3},
    },
}  # fmt: skip
LATER = {
    "0001": FIRST,
    "0002": {**FIRST, "channel_changes": _CHANGE},
    "0003": {
        **FIRST,
        "channel_changes": _CHANGE,
        "transfers": {
            **_TRANSFER, "kind": "ORU^R01", "purpose": "检验", "address": "10.88.0.10", "delivery": "d",
            "note": "", "found": "", "dropped": 0, "masked": 1, "inert": 0, "attempts": 1, "count": 1,
        },
        "journal_index": {"id": 1, "number": 7, "chain": HASH, "at": AT, "broken": "", "paused": []},
        "gateway_minutes": {"minute": AT[:16], "alive": True, "starts": 1},
        "alerts": _ALERT,
        "gateway_reports": {"day": "2026-11-01", "at": AT, "digest": HASH, "summary": {"n": 1}},
    },
}  # fmt: skip


def reflected(engine: Engine) -> MetaData:
    """The tables as they are now."""
    found = MetaData()
    found.reflect(engine)
    return found


def fill(engine: Engine, revision: str) -> dict[str, dict]:
    """Write one row of everything that this form has; return what was written, by table."""
    tables = reflected(engine)
    rows = LATER[revision]
    assert set(rows) == set(tables.tables) - {"alembic_version"}
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            if table.name in rows:
                connection.execute(insert(table), [rows[table.name]])
    return rows


def read(engine: Engine) -> dict[str, list[dict]]:
    """Every row of every table."""
    tables = reflected(engine)
    with engine.connect() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(table.select())]
            for table in tables.sorted_tables
        }
