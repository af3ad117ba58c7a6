"""The box's own worker service against rows that the web's account writes straight into the database."""

import json
import time

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

DATABASE = "/var/lib/hbox/db/hbox.sqlite"
VM = "11111111-2222-4333-8444-555555555555"
ROW = {
    "id": "forged-by-web", "number": 4711, "kind": "vm.delete", "action": json.dumps({"vm_id": VM}),
    "title_zh": "x", "title_en": "x", "object": f"vm/{VM}", "actor": "sysadmin", "role": "system",
    "locks": json.dumps([f"vm/{VM}"]), "state": "waiting", "audit_number": 1, "created_at": "now",
    "resumed": 0, "cancel_asked": 0,
}  # fmt: skip


def as_web(node, script: str, *arguments: str) -> str:
    """Run a script as the account of the web process: all that a broken web process could do."""
    argv = ["runuser", "-u", "hbox-web", "--", "python3", "-c", script, *arguments]
    return node.run(argv).text


def insert(node, row: dict) -> None:
    script = (
        "import json, sqlite3, sys; row = json.loads(sys.argv[1]); c = sqlite3.connect("
        f"{DATABASE!r}, timeout=20); c.execute('INSERT INTO jobs (' + ','.join(row) + ') VALUES (' "
        "+ ','.join('?' * len(row)) + ')', list(row.values())); c.commit()"
    )
    as_web(node, script, json.dumps(row))


def ask(node, sql: str) -> list:
    script = (
        f"import json, sqlite3, sys; c = sqlite3.connect({DATABASE!r}, timeout=20);"
        "print(json.dumps(c.execute(sys.argv[1]).fetchall()))"
    )
    return json.loads(as_web(node, script, sql))


def ended(node, job: str) -> tuple[str, str]:
    for _ in range(60):
        ((state, error),) = ask(node, f"SELECT state, error FROM jobs WHERE id = '{job}'")
        if state in ("succeeded", "failed", "refused", "cancelled"):
            return state, json.loads(error)["code"]
        time.sleep(0.5)
    raise AssertionError(f"{job} is {state}")


@pytest.fixture(scope="module")
def box(node):
    node.wait_ready(units=["hbox-worker"])
    return node


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("plain", {}),
        ("runs-already", {"state": "running", "lease_until": "2000-01-01T00:00:00+00:00"}),
        ("unknown-kind", {"kind": "vm.explode"}),
        ("account", {"kind": "account.add", "object": "account/eve", "locks": '["account/eve"]',
                     "role": "security", "actor": "secadmin",
                     "action": json.dumps({"account_id": VM, "name": "eve", "role": "security",
                                           "vendor": ""})}),
    ],
)  # fmt: skip
def test_a_forged_row_is_refused_by_the_service(box, name, more):
    ((number,),) = ask(box, "SELECT coalesce(max(number), 0) + 1 FROM jobs")
    insert(box, {**ROW, "id": name, "number": number, **more})
    assert ended(box, name) == ("refused", "job.not_trusted")
    ((outcome,),) = ask(box, f"SELECT outcome FROM audit WHERE object = 'job/{name}'")
    assert outcome == "refused"
    assert box.run(["ls", "/var/lib/hbox/codes"], check=False).text == ""


def test_the_web_account_can_reach_neither_keys_nor_ledger(box):
    for path in ("keys", "worker", "audit/seals.jsonl", "modules", "gateway/policy.signed"):
        touched = box.run(
            ["runuser", "-u", "hbox-web", "--", "sh", "-c", f"test -w /var/lib/hbox/{path}"],
            check=False,
        )
        assert touched.code != 0, path
    listed = box.run(["runuser", "-u", "hbox-web", "--", "ls", "/var/lib/hbox/worker"], check=False)
    assert listed.code != 0
