"""How Ansible is asked, and what of its answer people hear."""

from pathlib import Path

import pytest

import playbooks
from appliance.settings import Settings
from controller.workers import nodes_play
from controller.workers.nodes_network import fabric_of
from controller.workers.nodes_play import (
    Play,
    PlayFailed,
    PlayNode,
    Recap,
    play,
    recaps,
    worth_telling,
)
from controller.workers.site import Site

OUT = """
PLAY [HBox node] ***************************************************************

TASK [base : Kernel switches of the box] ***************************************
ok: [n1]
changed: [n2]

TASK [hypervisor : Identity] ***************************************************
fatal: [n2]: FAILED! => {"msg": "no"}

PLAY RECAP *********************************************************************
n1                         : ok=12   changed=0    unreachable=0    failed=0    skipped=3    rescued=0    ignored=0
n2                         : ok=3    changed=1    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
""".splitlines()


def node(name, *, home=False, **variables):
    return PlayNode(name, f"192.0.2.{name[1:]}", "ssh-ed25519 AAAA", home, variables)


def test_the_recap_is_read():
    assert recaps(OUT) == {"n1": Recap(12, 0, 0, 0), "n2": Recap(3, 1, 0, 1)}
    assert recaps(OUT)["n1"].well
    assert not recaps(OUT)["n2"].well


def test_people_hear_tasks_changes_and_failures_and_no_noise():
    told = [line for line in (worth_telling(line, check=False) for line in OUT) if line]
    assert told == [
        "· base : Kernel switches of the box",
        "  changed: n2",
        "· hypervisor : Identity",
        '  fatal: n2 FAILED! => {"msg": "no"}',
    ]
    assert worth_telling("-old", check=True) == "-old"
    assert worth_telling("-old", check=False) == ""


def test_a_far_node_is_reached_by_its_pinned_key_only_and_home_without_ssh():
    made = nodes_play.inventory(
        [node("n1", home=True), node("n2", hbox_home=False)],
        Path("/keys/k"),
        Path("/p/known_hosts"),
    )
    far = made["all"]["hosts"]["n2"]
    assert far["ansible_host"] == "192.0.2.2"
    for option in (
        "StrictHostKeyChecking=yes",
        "UserKnownHostsFile=/p/known_hosts",
        "IdentitiesOnly=yes",
    ):
        assert option in far["ansible_ssh_common_args"]
    assert far["hbox_home"] is False
    assert made["all"]["hosts"]["n1"]["ansible_connection"] == "local"


@pytest.fixture
def ground(tmp_path, monkeypatch):
    """Playbooks of the test's own, run by the real Ansible on this machine."""
    monkeypatch.setattr(playbooks, "ROOT", tmp_path)
    (tmp_path / "try.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - name: A file\n      ansible.builtin.copy:\n"
        "        dest: '{{ place }}'\n        content: '{{ word }}'\n        mode: '0600'\n"
        "    - name: A wish\n      ansible.builtin.assert: {that: word != 'bad'}\n"
    )
    return Site(Settings(state=tmp_path / "state"), None, {})


def test_a_second_run_changes_nothing_a_dry_one_neither_and_a_failure_names_the_task(
    ground, tmp_path
):
    (tmp_path / "state").mkdir()
    target = tmp_path / "made"
    said = []
    here = [node("n1", home=True, ansible_python_interpreter=nodes_play.sys.executable)]

    def run(word, *, check=False):
        variables = {"place": str(target), "word": word}
        return play(ground, said.append, here, Play("try.yml", variables, check))["n1"]

    assert run("one").changed == 1
    assert target.read_text() == "one"
    assert run("one").changed == 0
    assert run("two", check=True).changed == 1
    assert target.read_text() == "one"
    assert any(line.startswith("+two") for line in said)
    with pytest.raises(PlayFailed, match="n1"):
        run("bad")
    assert list((tmp_path / "state" / "nodes" / "plays").glob("*-*")) == [], (
        "no variables stay behind"
    )


def test_each_node_knows_the_others():
    addresses = {"n1": "192.0.2.1", "n2": "192.0.2.2", "n3": "192.0.2.3"}
    made = {name: fabric_of(name, "n1", addresses) for name in addresses}
    assert made["n1"].home
    assert not made["n2"].home
    assert made["n2"].peers == ("192.0.2.1", "192.0.2.3")
    assert not fabric_of("n1", "n1", {"n1": "192.0.2.1"}).spans


def test_every_role_that_the_node_playbook_names_is_there():
    text = (Path(playbooks.__file__).parent / "node.yml").read_text()
    names = [line.split("- ")[1] for line in text.splitlines() if line.startswith("    - ")]
    assert {"base", "hypervisor", "zones", "time", "firewall", "member"} <= set(names)
    for name in names:
        assert (Path(playbooks.__file__).parent / "roles" / name / "tasks" / "main.yml").exists()
