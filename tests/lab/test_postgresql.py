"""A box's records go from SQLite to PostgreSQL and back on a real node; nothing is lost, nobody reads too much."""

import json

import pytest

from appliance.chance import raw
from appliance.clock import monotonic, pause
from compliance import sandbox
from images import lab
from images.lab import leftovers

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]

ROLE = """cd / && ANSIBLE_NOCOLOR=1 HOME=/root /usr/lib/hbox/venv/bin/ansible-playbook -i localhost, -c local \
-e ansible_python_interpreter=/usr/bin/python3 /usr/lib/hbox/venv/lib/python3.13/site-packages/playbooks/postgresql.yml"""
READS = ("audit_chain", "audit_records", "credentials", "roles", "vm_known")


@pytest.fixture(scope="module")
def own():
    """A lab of its own: its power is cut, and its database is another one."""
    made = lab.up(f"t{raw(5).hex()}", console_port=None)
    yield made
    made.down()
    assert leftovers.find(made.name) == []


@pytest.fixture(scope="module")
def box(own):
    return own.nodes[0]


def sh(box, text, *, check=True):
    return box.run(["bash", "-c", text], check=check, timeout=300).text


def asked(box, text):
    return json.loads(sh(box, f"hbox {text} --format json"))


def answers(box):
    end = monotonic() + 90
    while box.run(["hbox", "status"], check=False).code != 0:
        assert monotonic() < end, sh(box, "journalctl -u 'hbox-*' -n 40 --no-pager")
        pause(0.5)


def chain(box):
    """What the audit administrator is told; a seal comes within seconds of an entry."""
    end = monotonic() + 20
    while True:
        said = json.loads(sh(box, "runuser -u hbox-aud -- hbox audit verify --format json"))
        if said["sealed"] == said["entries"] or monotonic() > end:
            return said
        pause(0.5)


def inspected(box):
    box.run(sandbox.argv("示范医院"), timeout=300)
    found = json.loads(box.read(str(sandbox.OUT)))["checks"]
    return {one["id"]: one["verdict"] for one in found if one["id"] in READS}


def recomputed(box):
    """What the inspector, in its sandbox and as itself, finds of the audit chain."""
    argv = sandbox.argv("x")
    unit = argv[: argv.index(sandbox.PYTHON)]
    # Its questions as root are not needed for this one.
    unit = ["Description=chain" if word.startswith("ExecStartPre=") else word for word in unit]
    said = box.run([*unit, sandbox.PYTHON, "-I", "-m", "compliance.chain"], check=False)
    return json.loads(said.out)


def known(box):
    """All that a person sees of it and that must be there after a move."""
    vms = [(vm["id"], vm["name"], vm["address"], vm["mac"]) for vm in asked(box, "vm list")]
    jobs = [(job["number"], job["id"], job["state"]) for job in asked(box, "job list")]
    return vms, jobs


def test_from_sqlite_to_postgresql_with_everything_in_it(box):
    answers(box)
    sh(box, "hbox vm create before --zone intranet --stopped")
    before = known(box)
    steps = asked(box, "records move postgresql --dry-run")
    assert len(steps) > 3
    assert "database_url" not in sh(box, "cat /etc/hbox/hbox.toml || true"), "only shown"
    moved = asked(box, "records move postgresql")
    assert moved["database"] == "postgresql"
    assert moved["chain"]["holds"]
    assert known(box) == before
    assert asked(box, "vm show before")["name"] == "before"
    assert asked(box, "status")["vms"] == {"stopped": 1}
    said = chain(box)
    assert (said["holds"], said["seals"]) == (True, "hold")
    held = sh(box, "psql -XAtq -d hbox -c 'SELECT count(*), min(act) FROM audit'")
    assert int(held.split("|")[0]) >= moved["chain"]["entries"]
    assert sh(box, "ls /var/lib/hbox/db") == "", "no second truth lies there"


def test_a_second_run_of_the_role_changes_nothing(box):
    assert " changed=0 " in sh(box, ROLE)
    assert len(asked(box, "records move postgresql --dry-run")) == 2, "it is there already"


def test_work_goes_on_there(box):
    sh(box, "hbox vm create after --zone extranet --stopped")
    assert {vm["name"] for vm in asked(box, "vm list")} == {"before", "after"}
    numbers = [job["number"] for job in asked(box, "job list")]
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "the numbering went on"


def test_the_inspector_reads_there_and_sees_what_was_altered(box):
    assert inspected(box) == dict.fromkeys(READS, "conform")
    change = "runuser -u postgres -- psql -Xq -d hbox -c \"UPDATE audit SET actor = '{}' WHERE number = 2\""
    actor = sh(box, "psql -XAtq -d hbox -c 'SELECT actor FROM audit WHERE number = 2'").strip()
    sh(box, f"cd / && {change.format('nobody')}")
    found = recomputed(box)
    sh(box, f"cd / && {change.format(actor)}")
    assert found["faults"]
    assert not found["unreadable"]
    assert recomputed(box)["faults"] == []


@pytest.mark.parametrize(
    ("user", "statement", "holds"),
    [
        ("hbox-web", "SELECT count(*) FROM jobs", True),
        ("hbox-web", "DELETE FROM audit", False),
        ("hbox-inspect", "SELECT count(*) FROM audit", True),
        ("hbox-inspect", "SELECT count(*) FROM idempotency_keys", False),
        ("hbox-inspect", "DELETE FROM audit", False),
        ("hbox-sys", "SELECT 1", False),
        ("nobody", "SELECT 1", False),
    ],
)
def test_the_kernel_says_who_is_at_the_socket(box, user, statement, holds):
    said = box.run(["runuser", "-u", user, "--", "psql", "-XAtq", "-d", "hbox", "-c", statement], check=False)  # fmt: skip
    assert (said.code == 0) is holds, said.err.decode()
    as_root = ["runuser", "-u", user, "--", "psql", "-XAtq", "-U", "root", "-d", "hbox", "-c", "SELECT 1"]  # fmt: skip
    assert box.run(as_root, check=False).code != 0


def test_nothing_listens_beyond_the_socket(box):
    assert ":5432" not in sh(box, "ss -H -tln")


def test_after_a_power_cut_all_of_it_is_back(own, box):
    before = known(box)
    own.cut(0)
    own.start(0)
    answers(box)
    assert known(box) == before
    assert chain(box)["holds"]


def test_and_back_to_sqlite(box):
    before = known(box)
    moved = asked(box, "records move sqlite")
    assert (moved["database"], moved["chain"]["holds"]) == ("sqlite", True)
    assert known(box) == before
    assert chain(box)["holds"]
    assert "database_url" not in sh(box, "cat /etc/hbox/hbox.toml")
    assert sh(box, "stat -c '%U:%G %a' /var/lib/hbox/db/hbox.sqlite").strip() == "root:hbox 660"
    found = recomputed(box)
    assert (found["faults"], found["unreadable"]) == ([], "")
    assert found["entries"] >= moved["chain"]["entries"]
    acts = sh(box, "sqlite3 -readonly /var/lib/hbox/db/hbox.sqlite \"SELECT detail FROM audit WHERE act = 'records.move' ORDER BY number\"")  # fmt: skip
    assert acts.split() == [
        '{"from":"sqlite","to":"postgresql"}',
        '{"from":"postgresql","to":"sqlite"}',
    ]
    sh(box, "hbox vm delete before && hbox vm delete after")
