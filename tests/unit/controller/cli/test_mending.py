"""`hbox compliance mended list`: what was mended, as people read it and as programs do."""

import json

import pytest
from sqlalchemy.orm import Session

from appliance import chance, clock
from controller.cli import main
from controller.records.tables import Job


@pytest.fixture
def mended(site):
    """A mending that succeeded and was not taken back; gone afterwards."""
    job = Job(
        id=chance.new_id(), number=90001, kind="compliance.mend", object="node/n0", actor="sue", role="security",
        action={"node": "n0", "remedies": "faillock,shell_timeout", "seconds": 120}, state="succeeded", locks=[],
        title_zh="整改", title_en="Mend", result={}, audit_number=0, created_at=clock.iso(), finished_at=clock.iso(),
    )  # fmt: skip
    key = job.id
    with Session(site.controller.engine) as session, session.begin():
        session.add(job)
    yield key
    with Session(site.controller.engine) as session, session.begin():
        session.delete(session.get(Job, key))


def test_the_list_is_words_for_people_and_the_record_for_programs(
    site, mended, monkeypatch, capsys
):
    monkeypatch.setenv("HBOX_SOCKET", str(site.socket))
    assert main(["compliance", "mended", "list"]) == 0
    [_, line] = capsys.readouterr().out.splitlines()
    assert "faillock, shell_timeout" in line
    assert line.rstrip().endswith("-"), "nobody took it back"
    assert main(["compliance", "mended", "list", "--format", "json"]) == 0
    [one] = json.loads(capsys.readouterr().out)
    assert (one["remedies"], one["undone_by"]) == (["faillock", "shell_timeout"], 0)
