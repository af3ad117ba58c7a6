"""The box's own root as a whole disk, booted under QEMU: what belongs to the kernel is proved only here."""

import json
import socket
import ssl
from pathlib import Path

import pytest

from appliance.clock import monotonic, pause
from tests.vm.conftest import PYTHON, Box

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1500)]

_FIRST_START = 900  # seconds; the first start configures the node, and TCG is slow


def test_the_start_comes_to_an_end(box: Box) -> None:
    box.wait("systemctl is-system-running | grep -qvE 'initializing|starting'", _FIRST_START)
    failed = box.sh("systemctl --failed --no-legend --plain").text
    assert box.sh("systemctl is-system-running", check=False).text.strip() == "running", failed


def test_kernel_is_the_box_own(box: Box) -> None:
    release = box.sh("uname -r").text.strip()
    assert release.endswith("-amd64")
    assert box.sh(f"test -d /lib/modules/{release}").code == 0
    assert box.sh("findmnt -n -o SOURCE,FSTYPE /").text.split() == ["/dev/vda", "ext4"]


def test_audit_and_apparmor_work(box: Box) -> None:
    status = box.sh("auditctl -s").text
    assert "enabled 2" in status  # and locked
    assert "pid 0" not in status
    assert box.sh("cat /sys/module/apparmor/parameters/enabled").text.strip() == "Y"
    assert int(box.sh("wc -l < /sys/kernel/security/apparmor/profiles").text) > 0


def test_every_box_makes_its_own_identity(box: Box) -> None:
    assert len(box.sh("cat /etc/machine-id").text.strip()) == 32
    assert box.sh("ls /etc/ssh/ssh_host_ed25519_key").code == 0


def test_libvirt_answers(box: Box) -> None:
    assert "QEMU" in box.sh("virsh -c qemu:///system version").text


def test_console_answers_over_tls(box: Box) -> None:
    """The certificate is the box's own, made at its first start; here only that TLS and HTTP speak."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    deadline = monotonic() + 120
    answer = b""
    while not answer.startswith(b"HTTP/1.1 "):
        assert monotonic() < deadline, box.sh(
            "journalctl -b -u 'hbox-*' --no-pager | tail -40"
        ).text
        try:
            with (
                socket.create_connection(("127.0.0.1", box.web_port), timeout=20) as plain,
                trusting.wrap_socket(plain) as line,
            ):
                line.sendall(b"GET / HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n")
                answer = line.recv(64)
        except OSError:
            pause(2)


def test_the_zones_filter_follows_connections(box: Box) -> None:
    """Bridge conntrack is the box's kernel's; the developer's machine has none to try it with."""
    box.put(Path(__file__).with_name("zone_talk.py"), "/run/zone_talk.py")
    told = json.loads(box.sh(f"{PYTHON} /run/zone_talk.py").text)
    assert told == {
        "abilities": {"conntrack": True, "bridge_name": True},
        "the flow": True,
        "another port": False,
        "the other way": False,
        "the other way from its port": False,
        "the flow once more": True,
        "under another MAC": False,
    }


def test_every_way_across_is_refused_on_this_kernel(box: Box) -> None:
    box.wait("test -s /run/hbox-gateway.json", 120)
    command = f"{PYTHON} -m network.gateway.probing > /run/proof.json; touch /run/proof.done"
    box.sh(f"systemd-run --collect --unit=proof sh -c '{command}'")
    box.wait("test -e /run/proof.done", 600)
    told = json.loads(box.sh("cat /run/proof.json").text)
    assert [f for f in told["findings"] if f["verdict"] != "refused"] == []
    assert len(told["findings"]) >= 250


def test_clamd_scans_under_its_profile(box: Box) -> None:
    box.wait("systemctl is-active hbox-clamd.service && test -S /run/clamav/clamd.ctl", 120)
    assert "enforce" in box.sh("cat /proc/$(pgrep -x clamd)/attr/current").text
    assert box.sh("stat -c '%G %a' /run/clamav/clamd.ctl").text.split() == ["hbox-scan", "660"]
    script = (
        "from pathlib import Path; from network.gateway.clamd import scan_bytes; "
        "print(scan_bytes(Path('/run/clamav/clamd.ctl'), b'HBOX-MALWARE-TEST-STRING-7d1f0a52', 60.0).code)"
    )
    assert box.sh(f'{PYTHON} -c "{script}"').text.strip() == "HBox.Test.Own.UNOFFICIAL"
