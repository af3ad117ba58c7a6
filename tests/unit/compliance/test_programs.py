"""The inspector's own small programs: what they look at is real, and what was spoilt is told."""

import json
import os
import sqlite3

import pytest

from appliance.host import LocalHost
from appliance.sdk.trust import Trust
from appliance.settings import Settings
from appliance.signing import SigningKey
from compliance import asking, bundles, erased, login_form, records, records_whole, tampering, walk
from compliance.checks import record_copies
from compliance.evidence import STDERR
from compliance.questions import sql
from controller.api.openapi import describe
from controller.api.routes import ROUTES
from controller.records import audit
from controller.records.migrate import upgrade
from controller.records.parcel import origin
from controller.records.session import open_records, transaction
from controller.workers.erasures import Evidence
from controller.workers.records_export import note
from tests.unit.sdk import sample


def walked(root):
    lines = list(walk.lines(str(root)))
    return lines[:-1], lines[-1]


def test_the_walk_tells_what_is_open_unowned_or_runs_with_anothers_rights(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name, mode, owner in (("open", 0o666, 0), ("nobody", 0o600, 424242), ("root", 0o4755, 0)):
        path = tmp_path / "deep" / "er" / name
        path.write_text("")
        os.chown(path, owner, 0)
        path.chmod(mode)
    (tmp_path / "deep" / "sticky").mkdir()
    (tmp_path / "deep" / "sticky").chmod(0o1777)
    (tmp_path / "link").symlink_to("/nowhere")
    found, last = walked(tmp_path)
    folder = f"{tmp_path}/deep/er"
    assert found == [
        f"unowned 600 424242 0 {folder}/nobody",
        f"open 666 0 0 {folder}/open",
        f"setid 4755 0 0 {folder}/root",
    ]
    assert last.startswith("end 7 ")


def test_a_name_cannot_make_a_second_line(tmp_path):
    path = tmp_path / "a\nend 1 0.0"
    path.write_text("")
    path.chmod(0o666)
    found, _ = walked(tmp_path)
    assert found == [f"open 666 0 0 {tmp_path}/a\\nend 1 0.0"]


def test_a_walk_that_is_too_long_says_so(tmp_path, monkeypatch):
    (tmp_path / "one").mkdir()
    monkeypatch.setattr(walk, "MOST", 0)
    assert walked(tmp_path)[1].startswith("cut ")


@pytest.fixture
def evidence(tmp_path):
    """The controller's own file of erasures: two disks begun and erased."""
    settings = Settings(state=tmp_path)
    made = Evidence.of(settings)
    for disk in ("a/system", "b/data"):
        where = {
            "volume": disk,
            "storage": "dir",
            "node": "n",
            "job": 1,
            "job_id": disk,
            "actor": "w",
        }
        made.add(what="begun", **where)
        made.add(what="erased", **where, bytes=1, method="overwrite", verified=True, seconds=0.1)
    return made.path


def test_evidence_of_erasures_holds(tmp_path, evidence):
    found = erased.examine(tmp_path)
    assert found == {
        "lines": 4, "erased": 2, "jobs": ["a/system", "b/data"], "faults": [], "unreadable": "",
    }  # fmt: skip
    assert erased.main([str(tmp_path)]) == 0


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda lines: lines[:1] + lines[2:], "line 2: does not follow the one before it"),
        (
            lambda lines: [*lines[:3], lines[3].replace(b'"bytes":1', b'"bytes":2')],
            "line 4: its signature",
        ),
        (lambda lines: lines[:3], "never finished: b/data"),
    ],
    ids=["cut", "altered", "unfinished"],
)
def test_evidence_that_was_spoilt_is_told(tmp_path, evidence, spoil, why):
    evidence.write_bytes(b"\n".join(spoil(evidence.read_bytes().splitlines())) + b"\n")
    assert any(fault.startswith(why) for fault in erased.examine(tmp_path)["faults"])
    assert erased.main([str(tmp_path)]) == 1


def test_no_evidence_is_no_fault_and_strange_bytes_are_unreadable(tmp_path, evidence):
    assert erased.examine(tmp_path / "none")["lines"] == 0
    evidence.write_bytes(b"\xff\n")
    assert erased.examine(tmp_path)["unreadable"]


@pytest.fixture
def shelf(tmp_path):
    """A box's folder of modules with one signed bundle."""
    made = tmp_path / "made"
    made.mkdir()
    path, trust, _ = sample.signed(made)
    folder = tmp_path / "modules" / "bundles"
    folder.mkdir(parents=True)
    (tmp_path / "modules" / "trust.json").write_bytes(trust.as_json())
    return path.rename(folder / path.name)


def test_a_bundle_that_holds_says_what_it_is(tmp_path, shelf):
    (one,) = bundles.examine(tmp_path)["bundles"]
    assert (one["wrong"], one["id"], one["wheels"]) == ("", "acme-visit", 1)
    assert bundles.main([str(tmp_path)]) == 0


def test_a_bundle_that_was_altered_or_is_not_trusted_is_told(tmp_path, shelf):
    whole = shelf.read_bytes()
    middle = len(whole) // 2
    shelf.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    assert bundles.examine(tmp_path)["bundles"][0]["wrong"]
    shelf.write_bytes(whole)
    (tmp_path / "modules" / "trust.json").write_bytes(Trust().as_json())
    assert "UnknownKey" in bundles.examine(tmp_path)["bundles"][0]["wrong"]
    assert bundles.main([str(tmp_path)]) == 1


def test_a_database_that_holds_together_says_so_and_a_broken_one_does_not(tmp_path, capsys):
    settings = Settings(state=tmp_path)
    (tmp_path / "db").mkdir()
    upgrade(settings.database)
    assert records_whole.main(settings) == 0
    assert capsys.readouterr().out == "ok\n"
    path = tmp_path / "db" / "hbox.sqlite"
    with sqlite3.connect(path) as link:
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = link.execute("SELECT rootpage FROM sqlite_master WHERE name = 'audit'").fetchone()
        (size,) = link.execute("PRAGMA page_size").fetchone()
    link.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * 64)
    assert records_whole.main(settings) == 1
    assert "malformed" in capsys.readouterr().out


def test_a_database_that_is_away_is_not_called_damaged(tmp_path, capsys):
    assert records_whole.main(Settings(state=tmp_path)) == 2
    assert capsys.readouterr().out == ""


def test_the_log_ins_fields_are_those_that_the_console_describes():
    assert login_form.fields(json.loads(json.dumps(describe(ROUTES)))) == [
        "name", "new_password", "one_time_code", "password",
    ]  # fmt: skip


def test_a_console_that_is_away_has_no_fields(capsys, tmp_path):
    authority = tmp_path / "ca.crt"
    authority.write_text("")
    assert login_form.main(["https://127.0.0.1:1/", str(authority)]) == 1
    assert capsys.readouterr().out == ""


def test_a_key_of_another_box_proves_nothing(tmp_path, evidence):
    (evidence.parent / "report.key.pub").write_bytes(SigningKey.new().public.pem)
    assert len(erased.examine(tmp_path)["faults"]) == 4


def test_every_way_to_alter_the_chain_is_noticed(tmp_path):
    settings = Settings(state=tmp_path)
    (tmp_path / "db").mkdir()
    upgrade(settings.database)
    assert tampering.examine(settings) == {"entries": 0, "tried": [], "unnoticed": []}
    engine = open_records(settings.database)
    with transaction(engine) as session:
        for number in range(4):
            audit.append(session, audit.entry("w", "system", f"x{number}", on="y", outcome="done"))
    engine.dispose()
    found = tampering.examine(settings)
    assert found["tried"] == ["actor", "outcome", "at", "cut", "order"]
    assert found["unnoticed"] == []


def test_a_chain_that_nobody_checks_would_be_told(tmp_path, monkeypatch):
    settings = Settings(state=tmp_path)
    (tmp_path / "db").mkdir()
    upgrade(settings.database)
    engine = open_records(settings.database)
    with transaction(engine) as session:
        audit.append(session, audit.entry("w", "system", "x", on="y", outcome="done"))
    engine.dispose()
    monkeypatch.setattr(tampering, "verify", lambda entries: "")
    assert tampering.examine(settings)["unnoticed"] == ["actor", "outcome", "at"]


def test_a_question_to_the_records_is_answered_as_the_program_answers(
    tmp_path, monkeypatch, capsys
):
    settings = Settings(state=tmp_path)
    (tmp_path / "db").mkdir()
    upgrade(settings.database)
    for module in (asking, records):
        monkeypatch.setattr(module, "load", lambda: settings)
    for query, code in (("SELECT count(*) AS n, '开' AS c FROM audit", 0), ("SELECT nothing", 1)):
        said = asking.put(LocalHost(), sql(query), "node1")
        assert records.main([query]) == code == said.exit
        printed = capsys.readouterr()
        assert said.answer == (printed.out if code == 0 else f"{STDERR}{printed.err}")
        assert said.there is (code == 0)


def test_an_export_of_the_records_is_on_the_chain_that_the_checks_read(tmp_path):
    settings = Settings(state=tmp_path)
    (tmp_path / "db").mkdir()
    upgrade(settings.database)
    engine = open_records(settings.database)
    note(engine, origin("site", "node1", "r", (7, "")))
    engine.dispose()
    asked = record_copies.CHECK.questions[3].argv[-1]
    assert [row["act"] for row in records.rows(settings, asked)] == ["records.export"]
