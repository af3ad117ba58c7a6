"""A fresh node's guards do their work: files are watched, logs reach the store, attacks are seen."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.chance import new_id
from appliance.clock import monotonic, pause
from images import lab

GUARDS = ("suricata.service", "rsyslog.service", "dailyaidecheck.timer", "chrony.service")
SEEN = {9100001, 9100003, 9100020, 9100021, 9100022, 9100030, 9100040, 9100043, 9100050}
"""Rules that the frames of `frames.py` are to raise."""
STORE = "cat /var/log/hbox-store/*/*.log"


def sh(node: lab.LabNode, text: str, *, check: bool = True, stdin: bytes = b"") -> str:
    return node.run(["bash", "-c", text], check=check, timeout=120, stdin=stdin).text


def wait(holds: Callable[[], bool], seconds: float) -> float:
    began = monotonic()
    while not holds():
        assert monotonic() - began < seconds
        pause(0.3)
    return monotonic() - began


def test_the_guards_run(node: lab.LabNode) -> None:
    said = sh(node, f"systemctl is-active {' '.join(GUARDS)}", check=False)
    assert said.split() == ["active"] * len(GUARDS)
    assert sh(node, "systemctl is-system-running").strip() == "running"


def test_a_line_of_the_journal_reaches_the_store(node: lab.LabNode) -> None:
    nonce = new_id()
    sh(node, f"logger -p auth.notice 'probe {nonce}'")
    wait(lambda: nonce in sh(node, STORE), 15)
    line = next(one for one in sh(node, STORE).splitlines() if f"probe {nonce}" in one)
    assert line.split()[1] == "127.0.0.1"
    modes = sh(node, "find /var/log/hbox-store -printf '%m %u:%g %y\\n'").splitlines()
    assert set(modes) <= {"750 root:adm d", "640 root:adm f", "640 root:root f"}


@pytest.mark.parametrize(
    "shown",
    [
        "",
        # One of the box's other authority: the console's.
        "-cert /var/lib/hbox/tls/server.crt -key /var/lib/hbox/tls/server.key",
    ],
    ids=["nothing", "another certificate"],
)
def test_who_is_no_node_cannot_write_into_the_store(node: lab.LabNode, shown: str) -> None:
    nonce = new_id()
    frame = f"<13>1 - forged {nonce} - - - forged"
    sh(
        node,
        f"(echo '{len(frame)} {frame}'; sleep 2) | timeout 8 openssl s_client -quiet "
        f"-connect 127.0.0.1:6514 {shown} 2>&1",
        check=False,
    )
    probe = new_id()
    sh(node, f"logger 'probe {probe}'")
    wait(lambda: probe in sh(node, STORE), 15)
    assert nonce not in sh(node, STORE)
    assert not sh(node, "ls -d /var/log/hbox-store/forged", check=False)


def test_the_store_survives_a_restart_of_its_daemon_without_a_line_lost(node: lab.LabNode) -> None:
    nonces = [new_id() for _ in range(5)]
    sh(node, "systemctl stop rsyslog.service syslog.socket")
    for nonce in nonces:
        sh(node, f"logger 'kept {nonce}'")
    sh(node, "systemctl start rsyslog.service")
    wait(lambda: all(f"kept {nonce}" in sh(node, STORE) for nonce in nonces), 30)


def test_an_attack_is_seen_within_seconds_and_reaches_the_store(node: lab.LabNode) -> None:
    sh(node, "ip link add hbt0 type veth peer name hbt1 && ip link set hbt1 master br-ext")
    try:
        sh(node, "ip link set hbt0 up && ip link set hbt1 up && sleep 1")
        script = Path(__file__).with_name("frames.py").read_bytes()
        sh(node, "python3 - hbt0", stdin=script)
        wait(lambda: alarms(node) >= SEEN, 20)
    finally:
        sh(node, "ip link del hbt0")
    told = '"signature_id":9100030'
    wait(
        lambda: any(told in one and "10.88.0.77" in one for one in sh(node, STORE).split("\n")), 15
    )


def alarms(node: lab.LabNode) -> set[int]:
    lines = sh(node, 'grep -h \'"event_type":"alert"\' /var/log/suricata/eve-*.json || true')
    found = [json.loads(line) for line in lines.splitlines()]
    return {one["alert"]["signature_id"] for one in found if one["src_ip"].startswith("10.88.0.")}


def test_the_detector_holds_no_more_than_it_needs(node: lab.LabNode) -> None:
    pid = sh(node, "systemctl show -P MainPID suricata.service").strip()
    facts = dict(
        line.split(":", 1)
        for line in sh(node, f"cat /proc/{pid}/status").splitlines()
        if ":" in line
    )
    assert int(facts["VmRSS"].split()[0]) < 200 * 1024
    assert facts["Uid"].split()[0] != "0"
    assert int(facts["CapEff"], 16) == 1 << 13, "CAP_NET_RAW alone"


def test_a_changed_file_is_noticed_and_taken_over_only_on_purpose(node: lab.LabNode) -> None:
    wait(lambda: bool(sh(node, "ls /var/log/aide/aide.log", check=False)), 60)
    assert counted(node) == (0, 0, 0)
    sh(node, "echo x > /etc/intruder && echo '# more' >> /etc/hosts")
    assert counted(node) == (1, 0, 1)
    assert "/etc/intruder" in sh(node, "cat /var/log/aide/aide.log")
    wait(lambda: "added 1, removed 0, changed 1" in sh(node, STORE), 15)
    sh(node, "systemctl start hbox-files-renew.service")
    assert "/etc/intruder" in sh(node, "cat /var/log/aide/renewed-*.log"), (
        "what was taken over is kept"
    )
    said = sh(node, "journalctl -t hbox-integrity -n 1 -o cat")
    assert "took over added 1, removed 0, changed 1" in said
    assert "added 0, removed 0, changed 0" in said
    sh(node, "rm /etc/intruder && sed -i '/^# more$/d' /etc/hosts")
    sh(node, "systemctl start hbox-files-renew.service")


def counted(node: lab.LabNode) -> tuple[int, ...]:
    sh(node, "systemctl start dailyaidecheck.service")
    said = sh(node, "journalctl -t hbox-integrity -n 1 -o cat")
    words = said.split(";")[0].split()
    return tuple(int(word.rstrip(",")) for word in words if word.rstrip(",").isdigit())


def test_a_tag_mends_what_drifted_and_nothing_the_second_time(node: lab.LabNode) -> None:
    good = sh(node, "cat /etc/pam.d/common-auth")
    sh(node, "sed -i /pam_faillock/d /etc/pam.d/common-auth")
    assert sh(node, "cat /etc/pam.d/common-auth") != good
    assert changed(node, "faillock") > 0
    assert sh(node, "cat /etc/pam.d/common-auth") == good
    assert changed(node, "faillock") == 0


def changed(node: lab.LabNode, tag: str) -> int:
    book = sh(node, "/usr/lib/hbox/venv/bin/python -c 'import playbooks; print(playbooks.ROOT)'")
    said = sh(
        node,
        "cd /tmp && HOME=/root ANSIBLE_NOCOLOR=1 /usr/lib/hbox/venv/bin/ansible-playbook -i localhost, "
        f"-c local -e ansible_python_interpreter=/usr/bin/python3 --tags {tag} {book.strip()}/node.yml",
    )
    return int(said.rsplit("changed=", 1)[1].split()[0])
