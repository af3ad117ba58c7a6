"""What the roles' patterns do to files that break a rule: the check that found it finds nothing more."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest
import yaml

import playbooks
from appliance.errors import BoxError
from appliance.host import LocalHost
from compliance import sudo as sudoers
from compliance import sudo_closing
from compliance.asking import put
from compliance.checks import accounts, core_dumps, sshd_limits, sudo_rules
from compliance.evidence import Answer, Evidence, Status

ROLES = playbooks.ROOT / "roles"


def rewritten(role, tag, text, path):
    """Return the text after the role's `replace` tasks of that tag, as Ansible would run them on that file."""
    words = (
        yaml.safe_load((ROLES / role / "defaults/main.yml").read_text()) if _defaults(role) else {}
    )
    for task in yaml.safe_load((ROLES / role / "tasks/main.yml").read_text()):
        asked = task.get("ansible.builtin.replace")
        if asked is None or tag not in task["tags"] or not _meets(task, asked, path):
            continue
        pattern = jinja2.Template(asked["regexp"]).render(words)
        text = re.sub(pattern, asked["replace"], text, flags=re.MULTILINE)
    return text


def _defaults(role):
    return (ROLES / role / "defaults/main.yml").exists()


def _meets(task, asked, path):
    if asked["path"] == "{{ item.path }}":
        return {"path": path} in task["loop"]
    return path not in ("/etc/group", "/etc/gshadow")


def said(text):
    return Evidence.of("x", Answer(text, Status.ANSWERED), at="", where="")


def judged(text, folder):
    """What the check says of such a sudoers: its own questions, put to a file in that folder."""
    file = folder / "etc/sudoers"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    asked = [replace(q, argv=(*q.argv[:-1], str(file))) for q in sudo_rules.CHECK.questions[:2]]
    read = [put(LocalHost(), one, "") for one in asked]
    return sudo_rules.judge((*read, said("/usr/bin/sudo"), said("sudo:x:27:"), said("")))


def mended(text, folder):
    """What the remedy makes of such a sudoers, where `visudo` takes it."""
    (folder / "etc").mkdir(exist_ok=True)
    (folder / "etc/sudoers").write_text(text)
    sudo_closing.close(str(folder))
    return (folder / "etc/sudoers").read_text()


GOOD = 'hbox-inspect ALL=(root:root) NOPASSWD:NOSETENV: /usr/lib/hbox/answer ""\n'


@pytest.mark.parametrize(
    "line",
    [
        "Defaults !authenticate",
        "Defaults env_reset, !authenticate, !use_pty",
        "Defaults:hbox-aud  !authenticate # for a while",
        "%sudo ALL=(ALL:ALL) NOPASSWD: ALL",
        "%sudo\tALL=(ALL:ALL) NOPASSWD:SETENV: ALL",
        "root ALL=(ALL) NOPASSWD:ALL",
        "hbox-sys ALL=(ALL) NOPASSWD: ALL",
        "hbox-aud ALL=(root) NOPASSWD: /usr/bin/cat *",
        "STAFF ALL=(ALL) ALL",
        "User_Alias STAFF = root\nSTAFF ALL=(ALL) ALL",
        "root, daemon ALL=(ALL) ALL",
        "root, !daemon ALL=(ALL) ALL",
        "\\%sudo ALL=(ALL) ALL",
        "daemon ALL=(ALL) \\\n  NOPASSWD: ALL",
        "daemon ALL=(ALL) \\  \n  NOPASSWD: ALL",
        "daemon ALL=(root) /usr/bin/id, \\\n  /bin/bash, \\\n  /usr/bin/uptime",
        "Cmnd_Alias DEEDS = /usr/bin/id : MORE = DEEDS, ALL\ndaemon ALL=(root) MORE",
        "Cmnd_Alias DEEDS = !ALL : MORE = !DEEDS, MORE\ndaemon ALL=(root) /usr/bin/id, MORE",
        "#1000 ALL=(ALL) ALL",
        "daemon ALL=/usr/bin/id : db = ALL",
        "daemon ALL=/usr/bin/id, NOPASSWD: /usr/bin/true",
        "daemon ALL=(root) NOPASSWD: /usr/bin/cat",
        "daemon ALL=(root) NOPASSWD: /usr/bin/cat ^a.*$",
        "daemon ALL=(root) ^/usr/bin/.*$",
        "daemon ALL=(root) /usr/bin/",
        "# a while \\\ndaemon ALL=(ALL) ALL",
        " \\\ndaemon ALL=(ALL) ALL",
        "Defaults exempt_group=daemon",
        "Defaults:daemon timestamp_timeout=-1, !authenticate",
        "#includedir {srv}",
        "@include {srv}/more",
        "@include ../srv/more",
    ],
)
def test_no_rule_of_sudo_that_the_check_finds_is_left(line, tmp_path):
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv/more").write_text("daemon ALL=(ALL) ALL\n")
    line = line.replace("{srv}", f"{tmp_path}/srv")
    text = f"Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n{GOOD}{line}\n"
    assert judged(text, tmp_path).verdict == "violated"
    made = mended(text, tmp_path)
    assert judged(made, tmp_path).verdict == "conform", made
    assert made.startswith(f"Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n{GOOD}")
    assert mended(made, tmp_path) == made


@pytest.mark.parametrize(
    "line",
    [
        'daemon ALL=(root) NOPASSWD: /usr/bin/cat a\\,b, /usr/bin/id "", !/bin/bash, !!!ALL',
        "Cmnd_Alias DEEDS = ALL\ndaemon ALL=(root) /usr/bin/id, !DEEDS, UNKNOWN",
        "daemon ALL=(root) /usr/bin/systemctl restart his.service",
        'daemon ALL=(root) NOPASSWD: /usr/bin/id "", PASSWD: /usr/bin/cat',
        'Defaults:daemon passprompt="# ALL, !authenticate", timestamp_timeout=5',
        "#includedir /nowhere",
    ],
)
def test_an_exact_rule_of_sudo_stays(line, tmp_path):
    text = f"root ALL=(ALL:ALL) ALL\n{line}"
    assert judged(text, tmp_path).verdict == "conform"
    assert mended(text, tmp_path) == text


def test_a_comment_that_ends_in_a_backslash_ends_its_statement(tmp_path):
    kept = "daemon ALL=(root) /usr/bin/id # so \\\n"
    assert mended(f"{kept}bin ALL=(ALL) ALL\n", tmp_path) == f"{kept}# hbox: bin ALL=(ALL) ALL\n"


def test_who_may_do_everything_keeps_his_rule_and_is_asked_again(tmp_path):
    text = "Defaults env_reset, ! authenticate\n%sudo ALL=(ALL:ALL) NOPASSWD: SETENV: ALL # so\n"
    made = "Defaults env_reset, authenticate\n%sudo ALL=(ALL:ALL) SETENV: ALL # so\n"
    assert mended(text, tmp_path) == made


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("what is this", "what is this"),
        ("bin ALL=(ALL) ALL\\", "bin ALL=(ALL)"),
        ("@include nowhere", sudoers.MAIN),
        ("Cmd_Alias A = ALL\nCmd_Alias A = ALL", "Alias"),
        ("Defaults authentikate", "authentikate"),
        ("bin ALL=(root) NOPASSWD: /opt/my\\ tool", "/opt/my"),
    ],
)
def test_a_rule_that_only_a_person_can_read_stays_and_is_told(line, shown, tmp_path):
    text = f"{GOOD}{line}\n"
    found = judged(text, tmp_path)
    assert found.verdict == "violated"
    assert "须由人处理" in found.reason.zh
    assert shown in found.reason.en
    assert mended(text, tmp_path) == text


def test_where_no_rule_can_be_seen_nothing_is_known():
    unopened = f"\n[stderr]\ncvtsudoers: unable to open {sudoers.MAIN}: Permission denied\n"
    rest = (said("/usr/bin/sudo"), said("sudo:x:27:bob"), said(""))
    for answer in (
        Answer(unopened, Status.ANSWERED, 1),
        Answer("", Status.ABSENT, 127),
        Answer("", Status.ANSWERED),
    ):
        proof = Evidence.of("x", answer, at="", where="")
        assert sudo_rules.judge((proof, proof, *rest)).verdict == "unknown"


@pytest.fixture
def etc(tmp_path):
    """A node's sudoers, with a rule in a file of the folder that an alias of the main file makes wrong."""
    (tmp_path / "etc/sudoers.d").mkdir(parents=True)
    (tmp_path / "etc/sudoers").write_text(f"Cmnd_Alias DEEDS = ALL\n{GOOD}")
    (tmp_path / "etc/sudoers.d/late").write_text("x ALL=(root) DEEDS\n")
    (tmp_path / "etc/sudoers.d/late").chmod(0o440)
    return tmp_path / "etc"


def test_ansible_is_told_which_rules_went_and_which_would(etc):
    late = etc / "sudoers.d/late"
    told = sudo_closing.answer({"_ansible_check_mode": True}, str(etc.parent))
    assert told["changed"]
    assert late.read_text() == "x ALL=(root) DEEDS\n"
    assert sudo_closing.answer({}, str(etc.parent)) == told
    assert (told["diff"][0]["before_header"], late.read_text()) == (
        str(late),
        told["diff"][0]["after"],
    )
    assert late.read_text() == "# hbox: x ALL=(root) DEEDS\n"
    assert late.stat().st_mode & 0o777 == 0o440
    assert sudo_closing.answer({}, str(etc.parent)) == {"changed": False, "diff": []}
    assert sorted(one.name for one in etc.rglob("*")) == ["late", "sudoers", "sudoers.d"]


def test_the_folder_is_not_closed_with_the_files_that_are_mended_in_it(etc, monkeypatch):
    folder = str(etc / "sudoers.d")
    monkeypatch.setattr(sudo_closing, "_OWN", re.compile(rf"@includedir {re.escape(folder)}\s*"))
    main = (etc / "sudoers").read_text() + f"@includedir {folder}\n"
    (etc / "sudoers").write_text(main)
    told = sudo_closing.answer({"_ansible_check_mode": True}, str(etc.parent))
    assert [one["before_header"] for one in told["diff"]] == [f"{folder}/late"]
    assert not re.fullmatch(sudo_closing._OWN, "@includedir /srv")


def test_without_sudos_parser_nothing_is_called_right(etc, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/env").symlink_to(shutil.which("env"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BoxError, match="cvtsudoers"):
        sudo_closing.close(str(etc.parent))


def test_what_sudo_does_not_read_is_left(etc):
    (etc / "sudoers.d/late").rename(etc / "sudoers.d/late.old")
    assert sudo_closing.close(str(etc.parent)) == []
    (etc / "sudoers").unlink()
    assert sudo_closing.files(str(etc.parent)) == []


def test_a_file_that_visudo_does_not_take_is_left_and_told(etc, capsys, monkeypatch):
    late = etc / "sudoers.d/late"
    late.chmod(0o640)
    text = "what is this\nx ALL=(root) DEEDS\n"
    late.write_text(text)
    with pytest.raises(BoxError):
        sudo_closing.close(str(etc.parent))
    assert late.read_text() == text
    assert not list(etc.rglob("*.hbox"))
    monkeypatch.setattr(sudo_closing, "answer", lambda _: sudo_closing.close(str(etc.parent)))
    arguments = etc.parent / "arguments"
    arguments.write_text("{}")
    assert sudo_closing.main([str(arguments)]) == 1
    assert json.loads(capsys.readouterr().out)["failed"]


@pytest.mark.parametrize(
    ("path", "text", "mended"),
    [
        ("/etc/group", "a:x:1:\nsudo:x:27:one,two\nsudoers:x:9:one\n", "a:x:1:\nsudo:x:27:\nsudoers:x:9:one\n"),
        ("/etc/gshadow", "sudo:*::one\nx:!::\n", "sudo:*::\nx:!::\n"),
        ("/etc/group", "sudo:x:27:\n", "sudo:x:27:\n"),
    ],
)  # fmt: skip
def test_the_group_sudo_is_emptied_and_no_other(path, text, mended):
    assert rewritten("accounts", "sudo_rules", text, path) == mended


SSHD = "maxauthtries 4\npermitemptypasswords no\npermitrootlogin prohibit-password\nlogingracetime 30\nclientaliveinterval 300\nclientalivecountmax 2\n"


@pytest.mark.parametrize(
    "line",
    [
        "PermitRootLogin yes",
        "\tpermitrootlogin\tyes",
        "PermitEmptyPasswords yes   # so",
        "MaxAuthTries 6",
        "MaxAuthTries 020",
        "MaxAuthTries 100",
        "ClientAliveInterval 0",
        "ClientAliveInterval=1h",
        'ClientAliveInterval "301" # so',
        "ClientAliveCountMax 4",
        'PermitRootLogin="yes"',
    ],
)
def test_an_exception_of_sshd_loses_the_line_that_the_check_finds_and_no_other(line):
    kept = "Match User hbox-inspect\n  AuthenticationMethods publickey\n  MaxAuthTries 5\n  ClientAliveInterval =300\n"
    text = f"{kept}Match User root\n{line}\n  PermitRootLogin no\n"
    assert sshd_limits.judge((said(SSHD), said(text))).verdict != "conform"
    asked = _lax(text)
    assert sshd_limits.judge((said(SSHD), said(asked))).verdict == "conform", asked
    assert asked.startswith(f"{kept}Match User root\n# hbox: ")
    assert asked.endswith("  PermitRootLogin no\n")


def _lax(text):
    words = yaml.safe_load((ROLES / "ssh/defaults/main.yml").read_text())
    tasks = yaml.safe_load((ROLES / "ssh/tasks/main.yml").read_text())
    asked = tasks[-1]["ansible.builtin.replace"]
    return re.sub(jinja2.Template(asked["regexp"]).render(words), asked["replace"], text)


@pytest.mark.parametrize(
    "line", ["Include /root/more.conf", "include=/etc/ssh/x/*", ' Include "more.conf" # so']
)
def test_a_file_that_nobody_judges_is_read_no_more(line, tmp_path):
    ours = "Include /etc/ssh/sshd_config.d/*.conf\n"
    text = f"{ours}Port 22\n{line}\nUsePAM yes\n"
    looks, goes = (_task(name) for name in ("Other files that sshd", "It reads them no more"))
    (tmp_path / "sshd_config").write_text(text)
    (tmp_path / "sshd_config.d").mkdir()
    (tmp_path / "sshd_config.d/10-hbox.conf").write_text(ours)
    script = looks["ansible.builtin.shell"].replace(
        "/etc/ssh/sshd_config", f"{tmp_path}/sshd_config"
    )
    script = script.replace(f"{tmp_path}/sshd_config\\.d", "/etc/ssh/sshd_config\\.d")
    found = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True).stdout
    assert found.split() == [str(tmp_path / "sshd_config")]
    asked = goes["ansible.builtin.replace"]
    assert sshd_limits.judge((said(SSHD), said(text))).verdict != "conform"
    made = re.sub(asked["regexp"], asked["replace"], text)
    assert made == f"{ours}Port 22\n# hbox: {line}\nUsePAM yes\n"
    assert sshd_limits.judge((said(SSHD), said(made))).verdict == "conform"


def _task(name):
    tasks = yaml.safe_load((ROLES / "ssh/tasks/main.yml").read_text())
    return next(one for one in tasks if one["name"].startswith(name))


def test_the_same_files_are_looked_for_that_are_then_rewritten(tmp_path):
    words = yaml.safe_load((ROLES / "ssh/defaults/main.yml").read_text())
    tasks = yaml.safe_load((ROLES / "ssh/tasks/main.yml").read_text())
    script = jinja2.Template(tasks[-2]["ansible.builtin.shell"]).render(words)
    folder = tmp_path / "sshd_config.d"
    folder.mkdir()
    (tmp_path / "sshd_config").write_text('Match User x\n\tPermitRootLogin\t"yes"\n')
    for name, text in (("a", "MaxAuthTries 5\n"), ("b", "Match all\n maxauthtries=12 # x\n")):
        (folder / f"{name}.conf").write_text(text)
    found = subprocess.run(
        ["sh", "-c", script.replace("/etc/ssh", str(tmp_path))],
        capture_output=True, check=True, text=True,
    ).stdout.split()  # fmt: skip
    assert found == [str(tmp_path / "sshd_config"), str(folder / "b.conf")]
    assert all(_lax(text) != text for text in map(Path.read_text, map(Path, found)))


def test_who_may_take_an_image_is_the_checks_list():
    words = yaml.safe_load((ROLES / "base/vars/main.yml").read_text())
    assert words["hbox_image_takers"] == f"(?:{'|'.join(core_dumps.OWN)})"
    tasks = yaml.safe_load((ROLES / "base/tasks/main.yml").read_text())
    asked = next(
        t["ansible.builtin.replace"] for t in tasks
        if "core_pattern" in t.get("ansible.builtin.replace", {}).get("regexp", "")
    )  # fmt: skip
    pattern = jinja2.Template(asked["regexp"]).render(words)
    kept = "kernel.core_pattern = |/usr/lib/systemd/systemd-coredump %P\nkernel.core_pattern=core\n"
    strange = "kernel.core_pattern=| /var/tmp/keep %P\n-kernel/core_pattern = |/tmp/x\n"
    made = re.sub(pattern, asked["replace"], kept + strange, flags=re.MULTILINE)
    assert made == kept + "".join(f"# hbox: {line}\n" for line in strange.splitlines())


def test_a_password_outside_shadow_goes_whatever_it_is():
    tasks = yaml.safe_load((ROLES / "accounts/tasks/main.yml").read_text())
    asked = next(one for one in tasks if one["name"].startswith("Passwords are in shadow"))
    assert asked["diff"] is False
    rule = asked["ansible.builtin.replace"]
    kept = "root:x:0:0:root:/root:/bin/bash\nbin:*:2:2::/:/x\ngames:!:5:60::/:/x\n+::::::\n"
    text = (
        kept + "one::1000:100::/:/bin/sh\ntwo:$6$a$b:1001:100::/:/bin/sh\nsix:!$6$a$b:1:1::/:/x\n"
    )
    made = re.sub(rule["regexp"], rule["replace"], text, flags=re.MULTILINE)
    assert made == kept + (
        "one:x:1000:100::/:/bin/sh\ntwo:x:1001:100::/:/bin/sh\nsix:x:1:1::/:/x\n"
    )
    people = [line for line in made.splitlines() if line[0] != "+"]
    found = accounts.judge((said("\n".join(people)), said("root:locked:1")))
    assert found.verdict == "conform"


def test_an_account_of_programs_without_a_shells_name_is_closed_too(tmp_path):
    tasks = yaml.safe_load((ROLES / "accounts/tasks/main.yml").read_text())
    look = next(one for one in tasks if one["name"].startswith("Accounts of programs"))
    (tmp_path / "shadow").write_text("a:$6$x:1:\nb:!:1:\nc:$6$x:1:\nroot:$6$x:1:\n")
    (tmp_path / "passwd").write_text(
        "a:x:5:60::/:\nb:x:6:60::/:\nc:x:7:60::/:/usr/sbin/nologin\nroot:x:0:0::/:\n"
    )
    script = look["ansible.builtin.shell"].replace("/etc/", f"{tmp_path}/")
    found = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True).stdout
    assert found.split() == ["a"]
