"""The texts of the inspector's account: nothing in them is open, and what they start is the sandbox."""

import shlex

import pytest

from appliance.host import LocalHost
from compliance import privileged, sandbox, sudoers
from compliance.answer import KINDS
from compliance.checks import CHECKS, two_factor
from compliance.questions import Command
from compliance.sshd import exceptions


def test_sudo_names_one_program_and_no_argument():
    rules = [line for line in sudoers.sudoers().splitlines() if " ALL=" in line]
    assert rules == [f'hbox-inspect ALL=(root:root) NOPASSWD:NOSETENV: {sudoers.ANSWER} ""']
    assert "*" not in rules[0]


@pytest.mark.parametrize("text", [sudoers.answer(), sudoers.shell()])
def test_the_programs_take_nothing_from_whoever_starts_them(text):
    first, _why, run = text.splitlines()
    assert first == "#!/bin/sh"
    assert run.startswith("exec /")
    assert run.endswith(" </dev/null")
    assert "$" not in run
    assert "`" not in run
    LocalHost().run(["sh", "-n", "-c", text])


def test_what_root_starts_is_the_sandbox_that_answers():
    words = shlex.split(sudoers.answer().splitlines()[-1].removesuffix(" </dev/null"))
    assert words[:3] == ["exec", "/usr/bin/env", "-i"]
    assert words[4:] == sandbox.answering()
    held = sandbox.answering()
    for needed in ("User=hbox-inspect", "NoNewPrivileges=yes", "ProtectSystem=strict",
                   "CapabilityBoundingSet=CAP_DAC_READ_SEARCH"):  # fmt: skip
        assert needed in held
    assert "compliance.answer" in held


def test_root_is_asked_there_only_what_host_and_hypervisor_need():
    fewer, every = privileged.questions(KINDS), privileged.questions()
    assert set(fewer) < set(every)
    needed = {
        q.asked for c in CHECKS if c.kind in KINDS and not c.kernel_bound
        for q in c.questions if isinstance(q, Command) and q.root
    }  # fmt: skip
    assert needed <= {one.asked for one in fewer}


def test_sshd_gives_it_no_terminal_no_forwarding_and_one_file_of_keys():
    text = sudoers.sshd()
    assert text.splitlines()[1] == "Match User hbox-inspect"
    for line in (
        f"ForceCommand {sudoers.SHELL}",
        "PermitTTY no",
        "DisableForwarding yes",
        "PermitUserRC no",
    ):
        assert f"  {line}\n" in text


def test_the_check_of_two_factors_exempts_that_account_as_it_is_written():
    blocks = [(one.match, one.word, one.value) for one in exceptions(sudoers.sshd())]
    assert {match for match, _, _ in blocks} == {two_factor.OWN}
    assert (two_factor.OWN, "forcecommand", two_factor.SHELL) in blocks


def test_a_text_that_is_none_is_not_printed(capsys):
    for name in ("sudoers", "answer", "shell", "sshd"):
        assert sudoers.main([name]) == 0
    assert capsys.readouterr().out.count("hbox-inspect") > 4
    with pytest.raises(KeyError):
        sudoers.main(["other"])
