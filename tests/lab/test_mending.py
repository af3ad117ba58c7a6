"""Mending on a real node: seen, made, proved, undone; and what locks everybody out goes back by itself."""

import json
import time

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

LIMIT = 30  # seconds: the shortest that may be asked for
SITE = "/usr/lib/hbox/venv/lib/python3*/site-packages"
SEED = "/etc/ssh/sshd_config.d/00-seed.conf"
ALL = "find /etc -xdev ! -name adjtime ! -name .pwd.lock ! -name ld.so.cache ! -name resolv.conf"
# Content, kind, mode and owner of all of /etc.
DIGEST = f"({ALL} -printf '%p %y %m %u %g %l\\n'; {ALL} -type f -exec sha256sum {{}} +) | sort | sha256sum"
PROBES = {
    "ssh": "/usr/lib/hbox/venv/bin/python -I -m compliance.login_probe ssh",
    "pam": "unshare --mount --propagation private /usr/lib/hbox/venv/bin/python -I -m compliance.login_probe pam",
}
# Two remedies that no box has: what they write is allowed by sshd and by PAM, and lets nobody in any more.
HARMFUL = """
from compliance.remedies.model import Lockout
for _id, _way, _paths, _units in (
    ("break_ssh", Lockout.SSH, ("/etc/ssh/sshd_config.d/**",), ("ssh.service",)),
    ("break_pam", Lockout.PAM, ("/etc/pam.d/**",), ()),
):
    for _more in ("", "_and_stop"):
        REMEDIES[_id + _more] = Remedy(
            _id + _more, (), Text("x", "x"), _paths, _units, _way, playbook="harmful.yml"
        )
"""
BOOK = """
- name: Harm
  hosts: all
  gather_facts: false
  tasks:
    - name: Nobody comes in by SSH
      ansible.builtin.shell: printf 'AllowUsers nobody\\n' > /etc/ssh/sshd_config.d/00-break.conf; systemctl reload ssh.service
      tags: [break_ssh, break_ssh_and_stop]
    - name: Nobody comes in by password
      ansible.builtin.shell: printf 'auth requisite pam_deny.so\\n' > /etc/pam.d/common-auth
      tags: [break_pam, break_pam_and_stop]
    - name: The controller dies here
      ansible.builtin.command: systemctl kill --signal=KILL hbox-worker.service
      tags: [break_ssh_and_stop, break_pam_and_stop]
"""


@pytest.fixture(scope="module")
def harmful(node):
    """The node knows the harmful remedies; its worker does not come up again by itself."""
    table = node.run(["sh", "-c", f"ls {SITE}/compliance/remedies/__init__.py"]).text.strip()
    book = node.run(["sh", "-c", f"ls {SITE}/playbooks/node.yml"]).text.strip()
    node.run(["sh", "-c", f"cp {table} /run/remedies.kept; cat >> {table}"], stdin=HARMFUL.encode())
    node.run(["sh", "-c", f"cat > {book.replace('node.yml', 'harmful.yml')}"], stdin=BOOK.encode())
    drop = "/run/systemd/system/hbox-worker.service.d"
    node.run(["sh", "-c", f"mkdir -p {drop}; printf '[Service]\\nRestart=no\\n' > {drop}/no.conf"])
    node.run(["sh", "-c", "systemctl daemon-reload; systemctl restart hbox-worker hbox-web"])
    _until(lambda: node.run(["hbox", "status"], check=False).code == 0, 90)
    yield
    node.run(
        ["sh", "-c", f"cp /run/remedies.kept {table}; rm {drop}/no.conf; systemctl daemon-reload"]
    )
    # Or the next start takes the node for one with other roles, and runs them all.
    node.run(["rm", book.replace("node.yml", "harmful.yml")])
    node.run(["sh", "-c", "systemctl restart hbox-worker hbox-web"])


def digest(node) -> str:
    return node.run(["sh", "-c", DIGEST], timeout=120).text.split()[0]


def ways(node, kind: str) -> dict[str, str]:
    return json.loads(node.run(PROBES[kind].split(), timeout=90).out)


def mend(node, *words: str, verb: str = "mend") -> dict:
    """Ask, wait, return the job."""
    argv = ["hbox", "compliance", verb, *words, "--no-wait", "--format", "json"]
    asked = json.loads(node.run(argv, timeout=60).out)
    node.run(["hbox", "job", "wait", asked["id"]], timeout=300, check=False)
    return job(node, asked["id"])


def job(node, job_id: str) -> dict:
    return json.loads(node.run(["hbox", "job", "show", job_id, "--format", "json"]).out)


def renewal(node) -> int:
    """Return when the file database last began to take over how the files are, 0 for never."""
    asked = [
        "systemctl",
        "show",
        "-P",
        "InactiveExitTimestampMonotonic",
        "hbox-files-renew.service",
    ]
    return int(node.run(asked).text.strip() or 0)


def _until(true, limit: float) -> float:
    """Wait until it is true; return the seconds that it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < limit
        time.sleep(1)
    return time.monotonic() - began


def test_a_setting_is_mended_and_undone_byte_for_byte(node):
    node.run(["sh", "-c", f"printf 'MaxAuthTries 20\\n' > {SEED}; chmod 604 {SEED}"])
    before, learnt = digest(node), renewal(node)
    dry = mend(node, "sshd_limits", "--dry-run")
    assert "-MaxAuthTries 20" in dry["result"]["diff"]
    assert digest(node) == before
    made = mend(node, "sshd_limits")
    assert (made["state"], made["error"]) == ("succeeded", None)
    _until(lambda: renewal(node) > learnt, 30)
    mended = renewal(node)
    assert made["result"]["verdicts"]["sshd_limits"][1] == "conform"
    assert "maxauthtries 4" in node.run(["sshd", "-T"]).text
    assert digest(node) != before
    shown = json.loads(node.run(["hbox", "compliance", "mended", "list", "--format", "json"]).out)
    assert shown[0]["changed"] == {SEED: "changed"}
    undone = mend(node, made["id"], verb="undo")
    assert (undone["state"], undone["error"]) == ("succeeded", None)
    _until(lambda: renewal(node) > mended, 30)
    assert digest(node) == before
    node.run(["rm", SEED])


@pytest.mark.parametrize("kind", ["ssh", "pam"])
def test_a_remedy_that_locks_out_is_reverted_at_once(node, harmful, kind):
    before = digest(node)
    assert set(ways(node, kind).values()) == {""}
    made = mend(node, f"break_{kind}")
    assert (made["state"], made["error"]["code"]) == ("failed", "compliance.locked_out")
    assert digest(node) == before
    assert set(ways(node, kind).values()) == {""}


@pytest.mark.parametrize("kind", ["ssh", "pam"])
def test_with_the_controller_dead_the_node_reverts_by_itself_in_time(node, harmful, kind):
    before = digest(node)
    argv = ["hbox", "compliance", "mend", f"break_{kind}_and_stop", "--seconds", str(LIMIT)]
    asked = json.loads(node.run([*argv, "--no-wait", "--format", "json"]).out)

    def worker() -> bool:
        return (
            node.run(["systemctl", "is-active", "hbox-worker"], check=False).text.strip()
            == "active"
        )

    _until(lambda: not worker(), 120)
    assert "" not in {why for way, why in ways(node, kind).items() if way in ("ssh", "pam login")}
    _until(lambda: digest(node) == before, LIMIT + 20)
    assert not worker()
    assert set(ways(node, kind).values()) == {""}
    node.run(["systemctl", "reset-failed", "hbox-worker"], check=False)
    node.run(["systemctl", "start", "hbox-worker"])
    node.run(["hbox", "job", "wait", asked["id"]], timeout=300, check=False)
    ended = job(node, asked["id"])
    assert (ended["state"], ended["error"]["code"]) == ("failed", "compliance.revert_fired")
    assert digest(node) == before
    assert node.run(["sh", "-c", "ls /var/lib/hbox/mending"], check=False).text == ""
