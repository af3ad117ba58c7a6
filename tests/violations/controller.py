"""Violations of the controller: settings, console, accounts and records changed behind its back."""

from collections.abc import Mapping

from tests.violations.violation import RECORDS, Violation, sql

EVIDENCE = "records are evidence: nothing mends what was done to them"
SETTINGS = "/etc/hbox/hbox.toml"
ACCOUNTS = "SELECT id, name, role, unix_user, password_hash, failed, disabled, created_at, password_at FROM accounts"


def setting(name: str, line: str, check: str, item: str, says: str) -> Violation:
    """One line of the box's settings."""
    return Violation(
        id=name,
        breach=f"echo '{line}' >> {SETTINGS}",
        check=check,
        item=item,
        says=says,
        touched=(SETTINGS,),
        why="what the box is set to, an administrator says",
    )


def rows(  # noqa: PLR0917 - a table's columns
    name: str,
    wrong: str,
    right: str,
    look: str,
    check: str,
    item: str,
    says: str,
    also: Mapping[str, str] | None = None,
    *,
    stood: bool = False,
) -> Violation:
    """Rows changed with a database program; `look` must give the same rows once it is undone.

    `stood`: the worker stands still meanwhile, which would put such rows right by itself.
    """
    stop, start = (
        ("systemctl stop hbox-worker\n", "\nsystemctl start hbox-worker") if stood else ("", "")
    )
    return Violation(
        id=name,
        breach=stop + sql(wrong),
        check=check,
        item=item,
        says=says,
        undo=sql(right) + start,
        watched=(sql(look),),
        also=also or {},
        why=EVIDENCE,
    )


def person(
    name: str, role: str, check: str, item: str, says: str, also: Mapping[str, str], **more: str
) -> Violation:
    """An account written straight into the records."""
    held = {"created_at": "strftime('%Y-%m-%dT%H:%M:%S+00:00','now')", "hash": "NULL"} | more
    return rows(
        name,
        "INSERT INTO accounts (id, name, role, password_hash, failed, disabled, created_at, password_at) "
        f"VALUES ('violated', 'violated', '{role}', {held['hash']}, 0, 0, {held['created_at']}, "
        "strftime('%Y-%m-%dT%H:%M:%S+00:00','now'));",
        "DELETE FROM accounts WHERE id = 'violated';",
        ACCOUNTS,
        check,
        item,
        says,
        also,
    )


UNASKED = {"account_requests": "nobody opened it on record"}

SETTING = (
    setting("idle_for_hours", "session_idle = 36000", "session_idle", "8.1.4.1.b", "idle seconds"),
    setting(
        "session_for_days", "session_absolute = 864000", "session_idle", "8.1.4.1.b", "live for"
    ),
    setting(
        "one_factor", 'second_factor = "optional"', "second_factor", "8.1.4.1.d", "need not have"
    ),
    setting(
        "console_passwords_for_ever",
        "password_days = 3650",
        "console_passwords",
        "8.1.4.1.a",
        "3650 days",
    ),
)

ROWS = (
    rows(
        "root_behind_account",
        "UPDATE accounts SET unix_user = 'root' WHERE role = 'system';",
        "UPDATE accounts SET unix_user = 'hbox-sys' WHERE role = 'system';",
        ACCOUNTS,
        "roles",
        "8.1.4.2.d",
        "shell user root",
    ),
    rows(
        "no_auditor",
        "UPDATE accounts SET disabled = 1 WHERE role = 'audit';",
        "UPDATE accounts SET disabled = 0 WHERE role = 'audit';",
        ACCOUNTS,
        "roles",
        "8.1.4.2.d",
        "no active audit",
        {"posts": "the post is vacant"},
    ),
    person(
        "unknown_role",
        "superuser",
        "roles",
        "8.1.4.2.d",
        "unknown role superuser",
        {**UNASKED},
    ),
    person(
        "unasked_account",
        "tenant",
        "account_requests",
        "8.1.10.6.b",
        "no record of who",
        {},
    ),
    person(
        "weak_hash",
        "tenant",
        "credentials",
        "8.1.4.2.b",
        "password of violated",
        {**UNASKED, "second_factor": "it comes in by password alone"},
        hash="'$1$violated'",
    ),
    person(
        "idle_account",
        "tenant",
        "idle_accounts",
        "8.1.4.2.c",
        "did not come",
        UNASKED,
        created_at="'2025-01-01T00:00:00+00:00'",
    ),
    person(
        "vendor_left_open",
        "vendor",
        "vendor_accounts",
        "8.1.8.4.b",
        "outsider",
        {**UNASKED, "idle_accounts": "nobody came for a year"},
        created_at="'2025-01-01T00:00:00+00:00'",
    ),
    rows(
        "failures_without_lock",
        "UPDATE accounts SET failed = 9 WHERE role = 'audit';",
        "UPDATE accounts SET failed = 0 WHERE role = 'audit';",
        ACCOUNTS,
        "lockouts",
        "8.1.4.1.b",
        "9 failures",
    ),
    rows(
        "token_for_ever",
        "INSERT INTO api_tokens SELECT 'violated', id, 'violated', 'violated', 'read', '/', "
        "strftime('%Y-%m-%dT%H:%M:%S+00:00','now'), '2050-01-01T00:00:00+00:00', NULL, NULL "
        "FROM accounts WHERE role = 'system';",
        "DELETE FROM api_tokens WHERE id = 'violated';",
        "SELECT * FROM api_tokens",
        "tokens",
        "8.1.4.2.c",
        "longer than a year",
    ),
    rows(
        "everything_granted",
        "INSERT INTO grants SELECT 'violated', id, 'manage', '/', 'nobody', created_at "
        "FROM accounts WHERE role = 'audit';",
        "DELETE FROM grants WHERE id = 'violated';",
        "SELECT * FROM grants",
        "account_requests",
        "8.1.4.2.a",
        "may do everything",
    ),
    rows(
        "tenant_for_tests",
        "INSERT INTO tenants VALUES ('test-ward', 1, 1, 256, 1, 1, '2026-01-01T00:00:00+00:00');",
        "DELETE FROM tenants WHERE name = 'test-ward';",
        "SELECT * FROM tenants",
        "dev_tools",
        "8.1.9.4.a",
        "test-ward",
    ),
    rows(
        "row_to_nowhere",
        "PRAGMA foreign_keys = OFF;\nINSERT INTO grants VALUES ('violated', 'nobody', 'read', '/x', "
        "'nobody', '2026-01-01T00:00:00+00:00');",
        "DELETE FROM grants WHERE id = 'violated';",
        "SELECT * FROM grants",
        "records_integrity",
        "8.1.4.7.b",
        "grants",
    ),
    rows(
        "alert_unanswered",
        "INSERT INTO alerts VALUES ('violated', 'violated', 'box', 'bad', '{}', 0, "
        "'2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00', NULL, NULL, NULL);",
        "DELETE FROM alerts WHERE id = 'violated';",
        "SELECT * FROM alerts WHERE id = 'violated'",
        "alerts_answered",
        "8.1.5.4.f",
        "nobody took up",
        stood=True,
    ),
    rows(
        "personal_numbers_leak",
        "INSERT INTO alerts VALUES ('violated', 'personal_number', 'violated', 'warn', '{}', 0, "
        "strftime('%Y-%m-%dT%H:%M:%S+00:00','now'), strftime('%Y-%m-%dT%H:%M:%S+00:00','now'), NULL, NULL, NULL);",
        "DELETE FROM alerts WHERE id = 'violated';",
        "SELECT * FROM alerts WHERE id = 'violated'",
        "personal_numbers",
        "8.1.4.11.b",
        "violated",
        {"alerts_answered": "what raises alerts was stopped for it"},
        stood=True,
    ),
    rows(
        "screen_unaudited",
        "INSERT INTO console_sessions VALUES ('violated', 'violated', 'ward', 'sysadmin', 'vnc', 'closed', "
        "'violated', NULL, NULL, '2026-11-01T00:00:00+00:00', '2026-11-01T00:00:00+00:00', "
        "'2026-11-01T00:01:00+00:00', '10.77.0.9', 1, 1, '');",
        "DELETE FROM console_sessions WHERE id = 'violated';",
        "SELECT * FROM console_sessions",
        "remote_sessions",
        "8.1.10.6.h",
        "not audited",
    ),
    rows(
        "report_gone",
        "INSERT INTO compliance_runs VALUES ('violated', strftime('%Y-%m-%dT%H:%M:%S+00:00','now'), 1, 'x', "
        "printf('%064d', 0), '/var/lib/hbox/reports/violated.json', '/var/lib/hbox/reports/violated.html', '{}');",
        "DELETE FROM compliance_runs WHERE id = 'violated';",
        "SELECT * FROM compliance_runs",
        "regular_checks",
        "8.1.7.5.a",
        "is gone",
    ),
)


def entry(
    name: str, number: int, wrong: str, check: str, says: str, also: Mapping[str, str] | None = None
) -> Violation:
    """One entry of the audit chain changed or deleted; what it was is kept as the statement that brings it back."""
    kept = f"/run/hbox-violated.{name}"
    ask = f"sqlite3 -cmd '.timeout 5000' -cmd '.mode insert audit' {RECORDS}"
    return Violation(
        id=name,
        breach=f"{ask} 'SELECT * FROM audit WHERE number = {number}' > {kept}\n"
        + sql(f"{wrong} WHERE number = {number};"),
        check=check,
        item="8.1.4.3.c" if check == "audit_chain" else "8.1.4.3.a",
        says=says,
        undo=f"{{ echo 'DELETE FROM audit WHERE number = {number};'; cat {kept}; }} | {ask}\nrm {kept}",
        watched=(sql("SELECT * FROM audit WHERE number < 5"),),
        also=also or {},
        why=EVIDENCE,
    )


CHAIN = (
    entry(
        "audit_row_changed",
        2,
        "UPDATE audit SET outcome = 'x'",
        "audit_chain",
        "chain is broken",
    ),
    entry(
        "audit_row_deleted",
        2,
        "DELETE FROM audit",
        "audit_chain",
        "chain is broken",
        {"account_requests": "it told who opened an account"},
    ),
    entry(
        "audit_without_person",
        3,
        "UPDATE audit SET actor = ''",
        "audit_records",
        "record 3 lacks",
        {"audit_chain": "the chain is broken there"},
    ),
    Violation(
        id="seal_forged",
        breach='sed -i \'1s/"number": /"number": 1/\' /var/lib/hbox/audit/seals.jsonl',
        check="audit_chain",
        item="8.1.10.6.g",
        says="chain is broken",
        undo='sed -i \'1s/"number": 1/"number": /\' /var/lib/hbox/audit/seals.jsonl',
        watched=("head -n 1 /var/lib/hbox/audit/seals.jsonl",),
        why=EVIDENCE,
    ),
)

FILES = (
    Violation(
        id="records_readable",
        breach="chmod o+r /var/lib/hbox/db/hbox.sqlite",
        check="records_modes",
        item="8.1.4.2.e",
        says="hbox.sqlite",
        undo="chmod o-r /var/lib/hbox/db/hbox.sqlite",
        watched=("stat -c '%a %U %G' /var/lib/hbox/db/hbox.sqlite",),
        remedy="records_modes",
    ),
    Violation(
        id="records_copied",
        breach="cp /var/lib/hbox/db/hbox.sqlite /var/lib/hbox/db/violated.sqlite\n"
        "chmod 644 /var/lib/hbox/db/violated.sqlite",
        check="records_modes",
        item="8.1.4.4.c",
        says="violated.sqlite",
        touched=("/var/lib/hbox/db/violated.sqlite",),
        remedy="records_modes",
    ),
    Violation(
        id="records_of_somebody",
        breach="cp /var/lib/hbox/db/hbox.sqlite /var/lib/hbox/db/violated.sqlite\n"
        "chown hbox-aud:users /var/lib/hbox/db/violated.sqlite\nchmod 600 /var/lib/hbox/db/violated.sqlite",
        check="records_modes",
        item="8.1.4.4.c",
        says="violated.sqlite 0600 hbox-aud",
        touched=("/var/lib/hbox/db/violated.sqlite",),
        remedy="records_modes",
    ),
    Violation(
        id="console_as_root",
        breach="mkdir -p /etc/systemd/system/hbox-web.service.d\n"
        "printf '[Service]\\nUser=root\\n' > /etc/systemd/system/hbox-web.service.d/violated.conf\n"
        "systemctl daemon-reload",
        check="web_unprivileged",
        item="8.1.4.2.d",
        says="runs as root",
        touched=("/etc/systemd/system/hbox-web.service.d",),
        undo="systemctl daemon-reload",
        watched=("systemctl show hbox-web -p User",),
        why="the product's own unit: laying the product anew mends it",
    ),
    Violation(
        id="worker_stopped",
        breach="systemctl stop hbox-worker",
        check="alerts_answered",
        item="8.1.5.4.f",
        says="does not run",
        undo="systemctl start hbox-worker",
        watched=("systemctl is-active hbox-worker",),
        why="the controller that would mend it is what stands still",
    ),
)

VIOLATIONS = (*SETTING, *ROWS, *CHAIN, *FILES)
