"""An export: what was searched and nothing else, signed, harmless in a spreadsheet."""

import csv
import io
import json

import pytest

from appliance.errors import BadInput
from appliance.signing import BadSignature, SigningKey
from controller.actions.supervision import ExportTransfers
from controller.records.exchange import JournalIndex
from controller.records.gateway import Wanted
from controller.workers import exports
from tests.unit.controller.workers.exchange import JOB, job_row, keep, place, transfer


@pytest.fixture
def site(tmp_path):
    made = place(tmp_path)
    keep(
        made,
        transfer(1),
        transfer(2, verdict="refused", rule="gateway.no_channel", note="=cmd|'/c calc'!A1"),
        transfer(3, channel="reports"),
        JournalIndex(id=1, number=3, chain="abc", at="2026-11-22", paused=[]),
    )
    job_row(made)
    return made


def written(site, wanted):
    [step] = exports.export(ExportTransfers.of(wanted), site)
    step.do(lambda _line: None)
    folder = site.settings.state / "reports" / exports.FOLDER
    return {form: exports.file(folder, JOB, form).read_bytes() for form in exports.FORMS}


def test_the_files_hold_what_was_searched_in_order(site):
    made = written(site, Wanted(channel="booking"))
    rows = list(csv.reader(io.StringIO(made["csv"].decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == ["1", "2"]
    assert rows[0][0] == "编号 number"
    held = json.loads(made["json"])
    assert [row["number"] for row in held["rows"]] == [1, 2]
    assert held["wanted"] == {"channel": "booking"}


def test_no_cell_is_a_formula(site):
    made = written(site, Wanted())
    rows = list(csv.reader(io.StringIO(made["csv"].decode("utf-8-sig"))))
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert "'=cmd|'/c calc'!A1" in cells
    assert exports.inert(-3.5) == "-3.5"
    assert exports.inert("\t=1") == "'\t=1"


def test_the_signature_names_the_journal_head_and_breaks_with_any_byte(site):
    made = written(site, Wanted(verdict="refused"))
    sig = made.pop("sig")
    told = json.loads(sig)
    assert (told["journal"], told["rows"]) == ({"number": 3, "chain": "abc"}, 1)
    key = SigningKey.load(site.settings.keys / "report.key").public
    exports.check(sig, made, key)
    with pytest.raises(BadSignature):
        exports.check(sig, made | {"csv": made["csv"] + b" "}, key)
    with pytest.raises(BadSignature):
        exports.check(sig.replace(b'"rows":1', b'"rows":9'), made, key)
    with pytest.raises(BadSignature):
        exports.check(sig, made, SigningKey.new().public)


def test_an_export_that_is_undone_leaves_nothing(site):
    written(site, Wanted())
    [step] = exports.export(ExportTransfers.of(Wanted()), site)
    step.undo(lambda _line: None)
    assert list((site.settings.state / "reports" / exports.FOLDER).iterdir()) == []


@pytest.mark.parametrize(
    "wanted", ["", "[]", '{"limit": 1}', '{"nothing": "x"}', '{"slower": "x"}', '{"channel": 1}']
)
def test_a_search_of_another_form_is_refused(wanted):
    with pytest.raises(BadInput):
        ExportTransfers(wanted)
