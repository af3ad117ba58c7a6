"""The storage's roles as text: the configuration they write, and that no key leaves its file."""

import importlib.util
from pathlib import Path

import jinja2
import pytest
import yaml

import appliance
import playbooks

ROLES = [role for role in sorted((playbooks.ROOT / "roles").glob("ceph_*")) if role.is_dir()]
GOLDEN = Path(__file__).with_name("ceph.conf")
CEPH = {
    "fsid": "2e65a6ed-0a4a-5d08-a949-aa1d7fce1d47",
    "folder": "/var/lib/hbox/keys/ceph",
    "monitors": [{"name": f"n{n}", "address": f"10.77.0.1{n}"} for n in range(3)],
    "addresses": {f"n{n}": f"10.77.0.1{n}" for n in range(3)},
    "memory": 1024,
}


def tasks(role: Path) -> list[dict]:
    found: list[dict] = []
    for file in sorted((role / "tasks").glob("*.yml")):
        waiting = yaml.safe_load(file.read_text())
        while waiting:
            task = waiting.pop(0)
            waiting += task.get("block", []) + task.get("always", [])
            found.append(task)
    return found


def test_the_configuration_is_the_golden_one():
    template = playbooks.ROOT / "roles/ceph_base/templates/ceph.conf.j2"
    # As Ansible renders: blocks take their line's end with them.
    environment = jinja2.Environment(  # noqa: S701 - no HTML
        trim_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    text = environment.from_string(template.read_text()).render(ceph=CEPH, inventory_hostname="n1")
    assert text == GOLDEN.read_text()


def test_there_are_roles_to_look_at():
    assert len(ROLES) >= 6


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_key_is_copied_as_a_secret_file_and_nowhere_else(role):
    for task in tasks(role):
        copy = task.get("ansible.builtin.copy", {})
        secret = "keyring" in copy.get("src", "") or copy.get("src", "").endswith(".key")
        if secret:
            assert copy["mode"] == "0600", task["name"]
            assert task["no_log"] is True, task["name"]
            assert task["diff"] is False, "a dry run would print it"
        else:
            assert "ceph.folder" not in str({k: v for k, v in task.items() if k != "block"}) or (
                copy.get("src", "").endswith("/monmap")
            ), task["name"]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_command_says_when_it_changes_something(role):
    """A command without a word about it would count as a change at every run."""
    for task in tasks(role):
        command = task.get("ansible.builtin.command") or task.get("ansible.builtin.shell")
        if command is not None:
            guarded = isinstance(command, dict) and "creates" in command
            assert guarded or "changed_when" in task, task["name"]


def test_the_stand_in_for_bcrypt_hashes_nothing():
    file = Path(appliance.__file__).parent / "rootfs/usr/lib/hbox/ceph-mgr/bcrypt.py"
    spec = importlib.util.spec_from_file_location("stand_in", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("gensalt", "hashpw", "checkpw", "kdf"):
        with pytest.raises(NotImplementedError):
            getattr(module, name)(b"word", b"salt")
    unit = Path(appliance.__file__).parent / (
        "rootfs/usr/lib/systemd/system/ceph-mgr@.service.d/hbox.conf"
    )
    assert "Environment=PYTHONPATH=/usr/lib/hbox/ceph-mgr" in unit.read_text()
