"""The command line as a person uses it: real processes' code paths, a real socket, real records."""

import json
import subprocess
import sys
import threading

import pytest
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from controller.cli import NOUNS, main, parser
from controller.cli.output import rendered
from controller.records.tables import Account, Job, JobLine, JobStep, Vm


@pytest.fixture
def hbox(site, monkeypatch, capsys):
    """Run one command against the running box; return exit code, output and error output."""
    monkeypatch.setenv("HBOX_SOCKET", str(site.socket))

    def run(*words):
        code = main(list(words))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture(scope="module")
def worker(site):
    """Stands in for the worker: takes each waiting job through one step, as the rows would show it."""
    stop = threading.Event()

    def work():
        while not stop.wait(0.05):
            with Session(site.controller.engine) as session, session.begin():
                for job in session.scalars(
                    select(Job).where(Job.state.in_(["waiting", "running"]))
                ):
                    _move(session, job)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def _move(session, job):
    if job.state == "waiting":
        job.state, job.started_at = "running", clock.iso()
        session.add(
            JobStep(
                job_id=job.id,
                position=0,
                key="one",
                title_zh="第一步",
                title_en="first step",
                state="running",
                started_at=clock.iso(),
            )
        )
        session.add(JobLine(job_id=job.id, at=clock.iso(), line="a line of the log"))
        return
    session.get(JobStep, (job.id, 0)).state = "done"
    session.get(JobStep, (job.id, 0)).seconds = 1.25
    job.state, job.finished_at = "succeeded", clock.iso()
    if job.kind == "gateway.prove":
        job.state = "failed"
        job.error = {
            "code": "gateway.open",
            "message": {"zh": "有通路", "en": "a way is open"},
            "hint": {"zh": "查", "en": "look"},
        }
    if job.kind == "account.add":
        job.result = {"code_file": "/var/lib/hbox/codes/x"}
    for vm in session.scalars(select(Vm).where(Vm.job_id == job.id)):
        vm.actual = vm.wished


def test_without_a_word_and_for_help_it_says_what_there_is(capsys):
    assert main([]) == 2
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for noun, about in NOUNS.items():
        assert noun in said
        assert about.text.zh in said
        assert about.text.en in said
    assert main(["nonsense"]) == 2


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_every_noun_can_be_mounted_and_every_verb_can_be_run(noun):
    made = parser(noun)
    assert noun in made.format_help()


def test_a_job_is_followed_step_by_step_with_measured_seconds(hbox, worker):
    code, out, err = hbox("vm", "create", "cli-1", "--zone", "extranet")
    assert code == 0, err
    assert "✓ 第一步 first step 1.2 s" in err or "✓ 第一步 first step 1.3 s" in err
    assert "成功 succeeded" in err
    code, out, _ = hbox("vm", "list")
    assert "cli-1" in out
    assert "10.88.0.10" in out


def test_a_job_that_failed_is_told_with_code_and_hint_and_exit_code(hbox, worker):
    code, _, err = hbox("gateway", "prove")
    assert code == 1
    assert "[gateway.open]" in err
    assert "有通路" in err
    assert "a way is open" in err


def test_no_wait_gives_the_job_at_once_in_any_format(hbox, worker):
    code, out, err = hbox("compliance", "run", "--no-wait", "--format", "json")
    job = json.loads(out)
    assert (code, job["kind"], err) == (0, "compliance.run", "")
    code, out, _ = hbox("job", "wait", str(job["number"]))
    assert code == 0
    code, out, _ = hbox("job", "log", str(job["number"]))
    assert "a line of the log" in out
    code, out, _ = hbox("job", "show", job["id"], "--format", "yaml")
    assert yaml.safe_load(out)["state"] == "succeeded"
    code, out, _ = hbox("job", "list")
    assert "等保" in out


def test_what_a_job_brought_is_shown(site, hbox, worker):
    """Also: the shell user decides whose verbs these are; here root becomes the security one."""
    with Session(site.controller.engine) as session, session.begin():
        accounts = {a.name: a for a in session.scalars(select(Account))}
        accounts["sysadmin"].unix_user = None
        session.flush()
        accounts["secadmin"].unix_user = "hbox-sys"
    try:
        code, out, err = hbox("account", "add", "carol", "--role", "auditor")
        assert code == 0, err
        assert "/var/lib/hbox/codes/x" in out
        code, out, _ = hbox("account", "list")
        assert "carol" in out
    finally:
        with Session(site.controller.engine) as session, session.begin():
            accounts = {a.name: a for a in session.scalars(select(Account))}
            accounts["secadmin"].unix_user = None
            session.flush()
            accounts["sysadmin"].unix_user = "hbox-sys"


def test_errors_go_to_stderr_in_both_languages(hbox):
    code, out, err = hbox("vm", "show", "nothing")
    assert (code, out) == (1, "")
    assert "[object.not_found]" in err
    assert "找不到" in err
    assert "No such" in err
    code, _, err = hbox("account", "list")
    assert code == 1
    assert "[auth.forbidden]" in err


def test_a_file_that_cannot_be_written_is_told_and_not_a_traceback(hbox, tmp_path):
    (tmp_path / "no-folder").write_text("")
    aim = tmp_path / "no-folder" / "my.key"
    code, out, err = hbox("module", "keygen", str(aim))
    assert (code, out) == (1, "")
    assert "file.trouble" in err
    assert str(aim.parent) in err
    assert "提示 hint" in err


def test_reading_verbs_work_on_an_empty_box(hbox):
    for words in (
        ("status",),
        ("module", "list"),
        ("module", "keys"),
        ("gateway", "channel", "list"),
        ("gateway", "change", "list"),
        ("gateway", "dead", "list"),
        ("gateway", "transfers"),
        ("gateway", "proofs"),
        ("compliance", "runs"),
        ("node", "list"),
        ("node", "show", "node-1"),
        ("raw", "GET", "/api/v1/status"),
    ):
        code, out, err = hbox(*words)
        assert code == 0, (words, err)
        assert out


def test_debug_prints_the_calls(hbox):
    _, _, err = hbox("status", "--debug")
    assert "> GET /api/v1/status" in err
    assert "< 200" in err


def test_a_box_that_is_away_is_told_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HBOX_SOCKET", str(tmp_path / "none.sock"))
    assert main(["status"]) == 1
    assert "[cli.box_away]" in capsys.readouterr().err


def test_a_table_keeps_its_columns_under_chinese_text():
    rows = [{"a": "虚拟机", "b": 1}, {"a": "vm", "b": 2}]
    lines = rendered(rows, "table", (("名称 name", "a"), ("数", "b"))).splitlines()
    assert lines == ["名称 name  数", "虚拟机     1", "vm         2"]


def test_the_vendors_verbs_need_only_the_base_dependencies():
    """A laptop with the SDK has no Flask, no SQLAlchemy, no cheroot."""
    block = "import sys\nfor name in ('flask','sqlalchemy','cheroot','alembic','argon2','psutil','pyroute2'):\n    sys.modules[name]=None\n"
    run = block + "from controller.cli import main\nmain(['module','lint','--help'])"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage: hbox module lint" in done.stdout
