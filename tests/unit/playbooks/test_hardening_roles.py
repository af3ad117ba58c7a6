"""Hardening as text: every task that mends a finding carries its check's name, and the manual knows it."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

import playbooks
from appliance.node_ca import LOG_PEER
from appliance.node_keys import PLACES
from compliance import needless
from compliance.checks import (
    CHECKS,
    kernel_switches,
    log_forwarding,
    plaintext_services,
)
from compliance.evidence import Answer, Evidence, Status
from compliance.model import Verdict

HARDENING = (
    "base", "accounts", "pam", "ssh", "files", "services", "audit", "hypervisor", "time", "firewall",
    "confinement", "logs", "ids", "integrity",
)  # fmt: skip
IDS = {check.id for check in CHECKS}
RULES = (playbooks.ROOT / "roles/ids/files/hbox.rules").read_text()
MANUAL = (Path(__file__).parents[3] / "docs/hardening.md").read_text()
_CHANGES = (
    "copy", "template", "file", "lineinfile", "blockinfile", "replace", "command", "shell", "user",
)  # fmt: skip


def tasks(role: str) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    waiting = [(task, frozenset[str]()) for task in _load(role)]
    while waiting:
        task, above = waiting.pop(0)
        tags = above | frozenset(task.get("tags", []))
        waiting += [(one, tags) for one in task.get("block", [])]
        yield task, tags


def _load(role: str) -> list[dict[str, Any]]:
    return yaml.safe_load((playbooks.ROOT / f"roles/{role}/tasks/main.yml").read_text())


def acts(task: dict[str, Any]) -> Any:
    return next(
        (task[f"ansible.builtin.{a}"] for a in _CHANGES if f"ansible.builtin.{a}" in task), None
    )


@pytest.mark.parametrize("role", HARDENING)
def test_every_task_has_a_tag_and_every_tag_is_a_check(role: str) -> None:
    for task, tags in tasks(role):
        if "ansible.builtin.meta" not in task:
            assert tags, task["name"]
        assert tags <= IDS, task["name"]


@pytest.mark.parametrize("role", HARDENING)
def test_a_role_that_mends_is_run_by_the_node_playbook(role: str) -> None:
    book = yaml.safe_load((playbooks.ROOT / "node.yml").read_text())
    assert role in book[0]["roles"]


def test_the_manual_names_every_tag_and_no_other() -> None:
    used = {tag for role in HARDENING for _, tags in tasks(role) for tag in tags}
    rows = [line.split("|")[1] for line in MANUAL.splitlines() if line.startswith("| `")]
    named = {tag for row in rows for tag in re.findall(r"`(\w+)`", row)}
    assert named == used


@pytest.mark.parametrize("role", HARDENING)
def test_a_task_that_only_looks_does_so_in_a_dry_run_too(role: str) -> None:
    """What a later task loops over must be known in a dry run, or it would tell of nothing."""
    for task, _ in tasks(role):
        asks = any(f"ansible.builtin.{a}" in task for a in ("command", "shell"))
        if asks and "register" in task and task.get("changed_when") is False:
            later = [str(other) for other, _ in tasks(role)]
            if any(f"{task['register']}." in text for text in later):
                assert task.get("check_mode") is False, task["name"]


@pytest.mark.parametrize("role", HARDENING)
def test_a_command_says_when_it_changes_something(role: str) -> None:
    for task, _ in tasks(role):
        if any(f"ansible.builtin.{a}" in task for a in ("command", "shell")):
            assert "changed_when" in task, task["name"]


@pytest.mark.parametrize("role", HARDENING)
def test_every_notified_handler_is_there(role: str) -> None:
    folder = playbooks.ROOT / f"roles/{role}/handlers/main.yml"
    held = {one["name"] for one in yaml.safe_load(folder.read_text())} if folder.exists() else set()
    told = {task["notify"] for task, _ in tasks(role) if "notify" in task}
    assert told <= held


@pytest.mark.parametrize("book", sorted(playbooks.ROOT.glob("*.yml")), ids=lambda path: path.stem)
def test_no_two_roles_of_a_play_have_a_handler_of_one_name(book: Path) -> None:
    """Ansible would run one of them for both."""
    for play in yaml.safe_load(book.read_text()):
        roles = [one["role"] if isinstance(one, dict) else one for one in play["roles"]]
        files = [playbooks.ROOT / f"roles/{role}/handlers/main.yml" for role in roles]
        names = [
            h["name"] for file in files if file.exists() for h in yaml.safe_load(file.read_text())
        ]
        assert len(names) == len(set(names)), names


@pytest.mark.parametrize("role", HARDENING)
def test_no_hash_of_a_password_is_shown(role: str) -> None:
    for task, _ in tasks(role):
        asked = acts(task)
        if isinstance(asked, dict) and asked.get("path") == "/etc/shadow" and "regexp" in asked:
            assert task.get("diff") is False, task["name"]


def test_no_pattern_that_comments_a_line_out_swallows_the_line_before() -> None:
    """`\\s*` at a line's beginning takes line ends with it."""
    for role in HARDENING:
        for task, _ in tasks(role):
            asked = acts(task)
            if isinstance(asked, dict) and "replace" in asked:
                assert not re.match(r"\(?(\?i?m\))?\^\(?\\s\*", asked["regexp"]), task["name"]


def test_the_state_of_the_roles_is_that_of_all_their_files(tmp_path, monkeypatch) -> None:
    (tmp_path / "roles").mkdir()
    file = tmp_path / "roles/hbox.rules"
    file.write_text("a")
    monkeypatch.setattr(playbooks, "ROOT", tmp_path)
    before = playbooks.state()
    file.write_text("b")
    assert playbooks.state() != before


def test_the_detectors_rules_are_ours_and_say_what_they_find_in_chinese() -> None:
    lines = [line for line in RULES.splitlines() if line and not line.startswith("#")]
    sids = [int(re.search(r"sid:(\d+);", line)[1]) for line in lines]
    assert len(sids) == len(set(sids))
    assert len(sids) >= 40
    assert all(9100000 <= sid < 9200000 for sid in sids)
    for line in lines:
        assert re.search(r'msg:"HBox .*"', line), line
        assert "rev:" in line
    assert not [line for line in lines if "detection_filter" in line and "threshold" in line]


def test_the_rules_say_how_old_they_are() -> None:
    """The role gives the file that date, and the check of their age reads it."""
    found = re.search(r"(?m)^# date: (\d{4}-\d{2}-\d{2})$", RULES)
    assert found
    assert dt.date.fromisoformat(found[1]) >= dt.date(2026, 11, 22)


def test_each_group_of_rules_is_explained() -> None:
    blocks = [block for block in RULES.split("\n\n")[1:] if block.strip()]
    for block in blocks:
        assert block.startswith("# ")
        assert re.search(r"[\u4e00-\u9fff]", block.splitlines()[0])


def test_the_lists_of_needless_services_are_the_checks() -> None:
    services = yaml.safe_load((playbooks.ROOT / "roles/services/defaults/main.yml").read_text())
    assert tuple(services["hbox_unneeded"]) == needless.UNNEEDED
    assert tuple(services["hbox_plaintext_units"]) == needless.PLAINTEXT
    assert set(services["hbox_plaintext"]) == plaintext_services.NAMES


def test_the_kernels_switches_are_at_least_the_checks() -> None:

    held = yaml.safe_load((playbooks.ROOT / "roles/base/vars/main.yml").read_text())["hbox_sysctl"]
    assert held.items() >= kernel_switches.WANTED.items()


@pytest.mark.parametrize(
    ("told", "receives", "target"),
    [
        ({}, 'input(type="imtcp" address="127.0.0.1" port="6514" ruleset="store")', "127.0.0.1"),
        ({"hbox_cluster": True}, 'input(type="imtcp" port="6514" ruleset="store")', "127.0.0.1"),
        (
            {"hbox_cluster": True, "hbox_home": False, "hbox_home_address": "10.77.0.10"},
            "",
            "10.77.0.10",
        ),
    ],
    ids=["one node", "home of several", "member"],
)
def test_the_log_goes_home_over_tls_and_home_alone_receives(told, receives, target) -> None:
    facts = yaml.safe_load((playbooks.ROOT / "group_vars/all.yml").read_text()) | told
    environment = jinja2.Environment(  # noqa: S701 - no HTML
        trim_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["bool"] = bool
    template = playbooks.ROOT / "roles/logs/templates/rsyslog.conf.j2"
    text = environment.from_string(template.read_text()).render(facts)
    inputs = [line for line in text.splitlines() if line.startswith("input(")]
    assert inputs == ([receives] if receives else [])
    assert f'target="{target}"' in text
    assert 'streamDriverAuthMode="x509/name"' in text
    assert f'streamDriverPermittedPeers="{LOG_PEER}"' in text
    assert f'defaultNetstreamDriverCRLFile="{PLACES["log"].revoked}"' in text
    said = (Answer("active\n", Status.ANSWERED), Answer(text, Status.ANSWERED))
    proofs = tuple(Evidence.of("", one, at="", where="") for one in said)
    assert log_forwarding.CHECK.judge(proofs).verdict is Verdict.CONFORM
    if receives:
        assert f'permittedPeer=["{LOG_PEER}"]' in text
        assert 'streamDriver.authMode="x509/name"' in text
