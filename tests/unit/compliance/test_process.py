"""The inspector as a process: its file, its progress, its sandbox, and `hbox compliance verify`."""

import argparse
import json
import subprocess
import sys

import pytest

from appliance.errors import NotFound
from compliance import commands, given_file, privileged, report, sandbox
from compliance.verify import BadReport, check_content
from tests.unit.compliance.people import ROOM, STATED, TODAY, WAIVED, given


def test_the_process_writes_a_report_and_tells_progress(tmp_path):
    out = tmp_path / "report.json"
    argv = [sys.executable, "-I", "-m", "compliance.inspect", "--out", str(out), "--site", "甲医院"]
    done = subprocess.run(
        [*argv, "--objects", "boundary,controller"], capture_output=True, check=True
    )
    made = json.loads(out.read_text("utf-8"))
    check_content(made)
    lines = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert [line["done"] for line in lines] == list(range(1, lines[0]["of"] + 1))
    assert len(lines) == len(made["checks"])
    assert made["site"] == "甲医院"
    assert {s["kind"] for s in made["subjects"]} == {"boundary", "controller"}


def test_what_people_gave_is_judged_and_a_damaged_file_is_refused_before_any_question(tmp_path):
    out, file = tmp_path / "report.json", tmp_path / "given.json"
    argv = [sys.executable, "-I", "-m", "compliance.inspect", "--out", str(out), "--site", "甲医院"]
    argv += ["--objects", "boundary", "--given", str(file)]
    file.write_bytes(given_file.dump(given(STATED, foreign=(ROOM,), waivers=(WAIVED,))))
    subprocess.run(argv, capture_output=True, check=True)
    made = json.loads(out.read_text("utf-8"))
    check_content(made)
    assert made["today"] == TODAY
    assert [one["effect"] for one in made["answers"]] == ["decides"]
    assert [one["ref"] for one in made["foreign"]] == ["person:room-1"]
    out.unlink()
    file.write_bytes(file.read_bytes()[:-2])
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.returncode != 0
    assert b"BadGiven" in done.stderr
    assert b'"done"' not in done.stderr
    assert not out.exists()


def test_handed_answers_are_used_and_altered_ones_refused(tmp_path):
    file = tmp_path / "handed.jsonl"
    privileged.write(file)
    handed = privileged.read(file)
    assert set(handed) == {q.asked for q in privileged.questions()}
    assert any("nft" in asked for asked in handed)
    lines = file.read_text("utf-8").splitlines()
    raw = json.loads(lines[0])
    file.write_text("\n".join([json.dumps({**raw, "answer": "altered"}), *lines[1:]]))
    with pytest.raises(ValueError, match="altered"):
        privileged.read(file)


def test_root_questions_are_fixed_and_few():
    assert all(q.root for q in privileged.questions())
    asked = {q.argv[0].rpartition("/")[2] for q in privileged.questions()}
    assert asked <= {"nft", "virsh", "auditctl", "cat", "ceph", "hbox", "python", "setpriv"}
    ours = {q.argv[3] for q in privileged.questions() if q.argv[0].endswith("/python")}
    assert ours == {"compliance.eicar", "compliance.scan_bundles", "network.apply"}
    assert len(privileged.questions()) < 20


def test_the_sandbox_can_read_and_not_change():
    argv = sandbox.argv("甲医院", "host")
    text = " ".join(argv)
    for needed in (
        "User=hbox-inspect",
        "CapabilityBoundingSet=CAP_DAC_READ_SEARCH",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "InaccessiblePaths=-/run/hbox",
    ):
        assert needed in text
    assert argv[-2:] == ["--objects", "host"]
    assert sandbox.argv("甲医院", given="/run/g.json")[-2:] == ["--given", "/run/g.json"]


def parsed(*words):
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers())
    return parser.parse_args(["verify", *map(str, words)])


def test_verify_on_the_command_line(tmp_path, plain, envelope, key, capsys):
    file, pem = tmp_path / "r.json", tmp_path / "report.pub"
    file.write_text(json.dumps(envelope, ensure_ascii=False), "utf-8")
    (tmp_path / "r.html").write_text(report.html(plain), "utf-8")
    pem.write_bytes(key.public.pem)
    args = parsed(file, "--key", pem)
    assert args.run(args) == 0
    out = capsys.readouterr().out
    assert "签署者相符" in out
    assert "网页 page 与签名相符" in out
    args = parsed(file)
    assert args.run(args) == commands.NOT_TRUSTED
    assert "签署者未核实" in capsys.readouterr().out


def test_verify_says_what_is_wrong(tmp_path, plain, envelope):
    file = tmp_path / "r.json"
    with pytest.raises(NotFound):
        commands.run(parsed(file))
    file.write_text(json.dumps(envelope)[:-10], "utf-8")
    with pytest.raises(BadReport):
        commands.run(parsed(file))
    file.write_text(json.dumps(envelope), "utf-8")
    (tmp_path / "r.html").write_text(report.html(plain) + " ", "utf-8")
    with pytest.raises(BadReport):
        commands.run(parsed(file))
