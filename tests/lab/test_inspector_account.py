"""The inspector's account on a real node: it answers, and can do nothing else; a run changes nothing there."""

import json
import shlex

import pytest

from appliance import clock
from compliance import answer, far, sandbox, sudoers
from compliance.evidence import Status

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

KEY = "/run/seed-inspect"
SSH = (
    f"ssh -F none -T -i {KEY} -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile={KEY}.known "
    "-o StrictHostKeyChecking=yes -l hbox-inspect"
)
AS_IT = "setpriv --reuid=hbox-inspect --regid=hbox-inspect --init-groups"
WRITABLE = "find / -xdev ( -path /proc -o -path /sys ) -prune -o -writable -not -type l -print"


def sh(node, text, **more):
    # 255 would say that the node itself was not reached.
    return node.run(
        ["sh", "-c", f"({text}\n) || exit $(($? % 255 + $? / 255))"],
        check=False,
        timeout=120,
        **more,
    )


@pytest.fixture(scope="module")
def account(node):
    """The account with a key of the test's, let in from the loopback alone."""
    held = sh(node, f"cat {sudoers.KEYS}").out
    sh(
        node,
        f"rm -f {KEY}*; ssh-keygen -q -t ed25519 -N '' -f {KEY}; "
        f"""printf 'from="127.0.0.1",restrict %s\\n' "$(cut -d' ' -f1,2 {KEY}.pub)" > {sudoers.KEYS}; """
        f"chmod 644 {sudoers.KEYS}; sed 's/^/127.0.0.1 /' /etc/ssh/ssh_host_ed25519_key.pub > {KEY}.known",
    )
    yield node
    sh(node, f"rm -f {KEY}*" + ("" if held else f" {sudoers.KEYS}"))


def answers(done, node):
    """What came back as the controller reads it."""
    name = node.run(["hostname"]).text.strip()
    heard = far.Heard(done.code, done.out, done.err)
    return far.read(heard, name, clock.now() - far.SKEW)


def test_it_answers_every_question_of_the_table(account):
    got = answers(sh(account, f"{SSH} 127.0.0.1"), account)
    assert got.why == ""
    assert set(got.by_question) == {one.asked for one in answer.questions(container=True)}
    silent = [one.asked for one in got.by_question.values() if one.status is Status.UNANSWERED]
    assert silent == []


@pytest.mark.parametrize(
    "word",
    ["sh", "'; touch /tmp/seen'", "-s sftp", "-o SetEnv='LC_ALL=() { touch /tmp/seen; }' x"],
)
def test_whatever_is_asked_of_it_over_ssh_it_gives_its_answers_and_reads_no_input(account, word):
    options, _, command = (
        word.rpartition(" ") if word.startswith("-") and " " in word else ("", "", word)
    )
    if word.startswith("-s "):
        options, command = "-s", "sftp"
    done = sh(account, f"echo 'touch /tmp/seen' | {SSH} {options} 127.0.0.1 {command}")
    assert answers(done, account).why == "" or done.code != 0
    assert sh(account, "ls /tmp/seen /tmp/systemd-private-*/tmp/seen").out == b""


@pytest.mark.parametrize(
    "way", ["-N -L 9:127.0.0.1:22", "-N -R 9009:127.0.0.1:22", "-N -D 9010", "-W 127.0.0.1:22"]
)
def test_ssh_carries_nothing_for_it(account, way):
    done = sh(account, f"timeout 5 {SSH} -o ExitOnForwardFailure=yes {way} 127.0.0.1 </dev/null")
    assert done.code != 0
    assert b"SSH-2.0" not in done.out
    assert sh(account, "ss -Hltn 'sport = 9009'").out == b""


def test_only_from_the_place_and_with_the_key_that_are_written_down(account):
    elsewhere = sh(account, f"{SSH} -o StrictHostKeyChecking=no -b 127.0.0.2 127.0.0.1")
    assert elsewhere.code != 0
    assert b"Permission denied" in elsewhere.err
    sh(account, f"ssh-keygen -q -t ed25519 -N '' -f {KEY}.other")
    assert sh(account, f"{SSH.replace(KEY + ' ', KEY + '.other ', 1)} 127.0.0.1").code != 0


SUDO = [
    sudoers.ANSWER + " x",
    sudoers.ANSWER + " ''",
    sudoers.ANSWER + " --help",
    "/usr/lib/hbox/answer/",
    "/tmp/answer",
    "-u hbox-web " + sudoers.ANSWER,
    "-g hbox " + sudoers.ANSWER,
    "LD_PRELOAD=/tmp/x.so " + sudoers.ANSWER,
    "-E PATH=/tmp " + sudoers.ANSWER,
    "-s",
    "-i",
    "-e /etc/hosts",
    "-l -U root",
    "sh",
    "id",
    "cat /etc/shadow",
    "nft -j list ruleset",
    shlex.join(sandbox.answering()),
    shlex.join([*sandbox.answering()[:6], "sh"]),
]


@pytest.mark.parametrize("asked", SUDO)
def test_sudo_gives_it_one_program_without_arguments_and_nothing_else(account, asked):
    sh(account, "printf '#!/bin/sh\\nid > /run/seen\\n' > /tmp/answer; chmod 755 /tmp/answer")
    done = sh(account, f"{AS_IT} sudo -n {asked} </dev/null")
    assert done.code != 0
    assert b"hbox-answers" not in done.out
    assert sh(account, "ls /run/seen").out == b""


def test_env_tricks_change_nothing_in_what_root_runs(account):
    trick = "PYTHONPATH=/tmp PYTHONINSPECT=1 LD_PRELOAD=/tmp/x.so ENV=/tmp/e BASH_ENV=/tmp/e PATH=/tmp:$PATH"
    sh(
        account,
        "for f in env systemd-run python; do printf '#!/bin/sh\\ntouch /run/seen\\n' > /tmp/$f; chmod 755 /tmp/$f; done; echo 'touch /run/seen' > /tmp/e",
    )
    done = sh(account, f"cd /tmp && {AS_IT} env {trick} /usr/bin/sudo -n {sudoers.ANSWER}")
    assert answers(done, account).why == ""
    assert sh(account, "ls /run/seen").out == b""


def test_it_has_no_password_no_other_shell_and_owns_nothing(account):
    assert account.run(["passwd", "-S", "hbox-inspect"]).text.split()[1] == "L"
    assert account.run(["getent", "passwd", "hbox-inspect"]).text.strip().endswith(sudoers.SHELL)
    for file in (sudoers.SHELL, sudoers.ANSWER, "/etc/sudoers.d/hbox-inspect", sudoers.KEYS):
        owner, mode = account.run(["stat", "-c", "%u %a", file]).text.split()
        assert owner == "0"
        assert int(mode, 8) & 0o022 == 0
    assert sh(account, "find / -xdev -user hbox-inspect -not -path '/proc/*'").text.split() == []
    may = set(
        sh(
            account, f"{AS_IT} {WRITABLE.replace('(', chr(92) + '(').replace(')', chr(92) + ')')}"
        ).text.split()
    )
    assert {
        one
        for one in may
        if not one.startswith(("/tmp", "/var/tmp", "/dev", "/var/lib/php", "/run/lock"))
    } == set()


def test_su_to_it_gives_its_answers_too_and_no_shell(account):
    done = sh(account, "su hbox-inspect -c 'touch /tmp/seen'")
    assert answers(done, account).why == ""
    assert sh(account, "ls /tmp/seen").out == b""


DIGEST = r"""
cd /
find etc usr/lib/hbox root home var/spool/cron boot -xdev -printf '%p %y %m %U %G %l\n' 2>/dev/null | sort | sha256sum
find etc usr/lib/hbox/answer root -xdev -type f -exec sha256sum {} + 2>/dev/null | sort | sha256sum
getent passwd | sort | sha256sum; getent group | sort | sha256sum; sha256sum etc/shadow etc/gshadow
nft list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*//' | sha256sum
dpkg-query -W | sha256sum; sha256sum var/lib/dpkg/status
systemctl list-unit-files --no-legend --plain | sort | sha256sum
systemctl list-units --all --type=service,socket,timer,mount --no-legend --plain | grep -v -e hbox-inspect -e hbox-answer -e '^session' -e '^user' -e '^run-user' | awk '{print $1,$2,$3}' | sort
ip -o addr | sed 's/valid_lft.*//' | sha256sum; ip route | sha256sum
virsh -c qemu:///system list --all --uuid | sort | sha256sum
"""


def test_a_run_changes_nothing_on_the_node(account):
    sh(account, "systemctl start libvirtd")
    before = sh(account, DIGEST).text
    assert before.count("  -") >= 9
    assert account.run(sandbox.argv("示范医院"), timeout=320).code == 0
    assert answers(sh(account, f"{SSH} 127.0.0.1"), account).why == ""
    after = sh(account, DIGEST).text
    assert after.splitlines() == before.splitlines()
    sh(account, "touch /etc/seed-changed")
    assert sh(account, DIGEST).text != before
    sh(account, "rm /etc/seed-changed")


def test_a_run_leaves_only_its_own_files(account):
    account.run(sandbox.argv("示范医院"), timeout=320)
    made = sh(account, "ls -d /run/hbox-inspect* /run/hbox-answer* 2>/dev/null").text.split()
    assert set(made) <= {"/run/hbox-inspect", str(sandbox.HANDED), str(sandbox.GIVEN)}
    report = json.loads(account.read(str(sandbox.OUT)))
    assert report["checks"]
