"""The audit chain is recomputed from the files alone: altered, cut, unsealed and missing are told apart."""

import json
import sqlite3
from dataclasses import asdict, astuple

import pytest

from appliance import audit
from appliance.settings import Settings
from appliance.signing import SigningKey
from compliance.chain import examine

COLUMNS = "number, at, actor, role, act, object, detail, outcome, previous, hash"


@pytest.fixture
def state(tmp_path):
    key = SigningKey.load_or_new(tmp_path / "keys" / "audit.key")
    (tmp_path / "db").mkdir()
    (tmp_path / "audit").mkdir()
    previous, rows = audit.GENESIS, []
    for number in range(1, 6):
        entry = audit.link(
            audit.Entry(number, "2026", "a", "system", "x", "vm/1", "", "done", ""), previous
        )
        previous = entry.hash
        rows.append(astuple(entry))
    with sqlite3.connect(tmp_path / "db" / "hbox.sqlite") as db:
        db.execute(f"CREATE TABLE audit ({COLUMNS})")
        db.executemany(f"INSERT INTO audit VALUES ({','.join('?' * 10)})", rows)
    db.close()
    seal = audit.seal(5, previous, "2026", key)
    (tmp_path / "audit" / "seals.jsonl").write_text(json.dumps(asdict(seal)) + "\n")
    return tmp_path


def change(state, statement):
    with sqlite3.connect(state / "db" / "hbox.sqlite") as db:
        db.execute(statement)
    db.close()
    return examine(Settings(state=state))


def test_a_whole_chain_holds(state):
    found = examine(Settings(state=state))
    assert found["faults"] == []
    assert (found["entries"], found["sealed"], found["unreadable"]) == (5, 5, "")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET outcome = 'x' WHERE number = 3",
        "DELETE FROM audit WHERE number = 5",
        "DELETE FROM audit WHERE number = 1",
        "DELETE FROM audit",
        "UPDATE audit SET number = 9 WHERE number = 5",
    ],
)
def test_tampering_is_a_fault(state, statement):
    assert change(state, statement)["faults"]


def test_a_forged_seal_is_a_fault(state):
    file = state / "audit" / "seals.jsonl"
    seal = json.loads(file.read_text())
    file.write_text(json.dumps({**seal, "number": 4}) + "\n")
    assert examine(Settings(state=state))["faults"]


def test_an_unsealed_chain_says_so(state):
    (state / "audit" / "seals.jsonl").unlink()
    found = examine(Settings(state=state))
    assert (found["sealed"], found["faults"]) == (0, [])


def test_missing_files_are_unreadable_and_nothing_is_made(state):
    (state / "db" / "hbox.sqlite").unlink()
    assert examine(Settings(state=state))["unreadable"]
    assert not (state / "db" / "hbox.sqlite").exists()
