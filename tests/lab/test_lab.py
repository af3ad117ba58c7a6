"""The lab itself: a node is a whole Debian with its own identity, network, libvirt and a real guest VM."""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.chance import raw
from appliance.clock import monotonic, pause
from appliance.host import CommandFailed, LocalHost
from images import build, lab
from images.lab import cgroups, leftovers, nodes, processes
from images.lab.forward import PortTaken, free_port

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]

_GUEST = "/usr/share/hbox/images/guest-base"
_KNOCK = "import socket, sys; socket.create_connection((sys.argv[1], 22), timeout=2)"
_XML = """<domain type='{kind}'><name>probe</name><memory unit='MiB'>512</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type>
<kernel>{guest}/vmlinuz</kernel><initrd>{guest}/initrd.img</initrd><cmdline>{cmdline}</cmdline></os>
<features><acpi/></features><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/p.qcow2'/>
<target dev='vda' bus='virtio'/></disk>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<serial type='file'><source path='/var/log/libvirt/qemu/probe.serial'/></serial>
</devices></domain>"""


def test_node_is_its_own_machine(node: lab.LabNode) -> None:
    assert node.run(["hostname"]).text.strip() == node.name
    assert json.loads(node.read("/etc/hbox/lab.json"))["lab"] is True
    assert len(node.read("/etc/machine-id").strip()) == 32
    status = node.read("/proc/1/status").decode()
    bounds = int(
        next(line for line in status.splitlines() if line.startswith("CapBnd")).split()[1], 16
    )
    for number, name in ((16, "SYS_MODULE"), (17, "SYS_RAWIO"), (22, "SYS_BOOT"), (25, "SYS_TIME")):
        assert not bounds >> number & 1, name
    assert node.run(["python3", "--version"]).text.startswith("Python 3.13")


def test_units_are_those_of_the_preset(node: lab.LabNode) -> None:
    for unit in ("ssh.service", "libvirtd.socket", "systemd-networkd.service"):
        assert node.run(["systemctl", "is-enabled", unit]).text.strip() == "enabled"
    for unit in ("libvirtd-tcp.socket", "libvirtd-tls.socket"):
        shown = node.run(["systemctl", "is-enabled", unit], check=False).text.strip()
        assert shown in {"disabled", "masked"}
    masked = node.run(["systemctl", "is-enabled", "systemd-firstboot.service"], check=False)
    assert masked.text.strip() == "masked"


def test_product_is_installed(node: lab.LabNode) -> None:
    program = "import appliance, controller, images; print(appliance.__file__)"
    where = node.run(["/usr/lib/hbox/venv/bin/python", "-c", program]).text
    assert where.startswith("/usr/lib/hbox/venv/lib/python3.13/")
    assert node.run(["readlink", "/usr/bin/hbox"]).text.strip() == "/usr/lib/hbox/venv/bin/hbox"


def test_files_and_errors_over_ssh(node: lab.LabNode) -> None:
    content = bytes(range(256)) * 300
    node.write("/root/它 的 '文件'", content, mode=0o640)
    assert node.read("/root/它 的 '文件'") == content
    assert node.run(["stat", "-c", "%a", "/root/它 的 '文件'"]).text.strip() == "640"
    assert node.run(["printf", "%s", "$HOME `id`"]).text == "$HOME `id`"
    assert node.run(["printenv", "WORD"], env={"WORD": "a b"}).text == "a b\n"
    with pytest.raises(FileNotFoundError):
        node.read("/root/nothing")
    with pytest.raises(CommandFailed):
        node.run(["false"])


def test_wires_reach_the_outside_party_and_no_further(the_lab: lab.Lab, node: lab.LabNode) -> None:
    knock = [sys.executable, "-c", _KNOCK, node.address]
    assert LocalHost().run(the_lab.inside("mgmt", *knock)).code == 0
    for zone in ("ext", "int"):
        shown = node.run(["cat", f"/sys/class/net/{zone}0/operstate"]).text.strip()
        assert shown in {"up", "down", "lowerlayerdown"}
        tried = LocalHost().run(the_lab.inside(zone, *knock), check=False)
        assert b"unreachable" in tried.err, f"{zone} reaches the management zone"


def test_a_door_reaches_the_node(the_lab: lab.Lab, node: lab.LabNode) -> None:
    port = free_port()
    the_lab.forward(port, "mgmt", f"{node.address}:22")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        assert line.recv(4) == b"SSH-"
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(PortTaken):
            the_lab.forward(holder.getsockname()[1], "mgmt", f"{node.address}:22")


def test_guest_image_boots_under_libvirt(
    node: lab.LabNode, record_property: Callable[[str, object], None]
) -> None:
    image = json.loads(node.read(f"{_GUEST}/image.json"))
    disk = "/var/lib/libvirt/images/p.qcow2"
    backing = ["-F", "qcow2", "-b", f"{_GUEST}/disk.qcow2"]
    node.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, disk])
    kind = "kvm" if node.run(["test", "-c", "/dev/kvm"], check=False).code == 0 else "qemu"
    xml = _XML.format(kind=kind, guest=_GUEST, cmdline=image["cmdline"])
    node.write("/root/probe.xml", xml.encode())
    virsh = ["virsh", "--connect", "qemu:///system", "--quiet"]
    node.run([*virsh, "create", "/root/probe.xml"])
    began = monotonic()
    try:
        ping = [*virsh, "qemu-agent-command", "probe", '{"execute":"guest-ping"}']
        while node.run(ping, check=False).code != 0:
            assert monotonic() - began < 240, node.read("/var/log/libvirt/qemu/probe.serial")[
                -3000:
            ]
            pause(1)
        record_property("agent_seconds", round(monotonic() - began, 1))
        sys.stderr.write(f"guest agent after {monotonic() - began:.1f} s ({kind})\n")
    finally:
        node.run([*virsh, "destroy", "probe"], check=False)


def test_a_node_that_lost_power_comes_back_as_itself() -> None:
    """On a lab of its own: the shared node serves other tests."""
    name = f"t{raw(5).hex()}"
    made = lab.up(name, console_port=None)
    try:
        one = made.nodes[0]
        before = one.run(["cat", "/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"]).out
        one.write("/root/kept", b"1")
        made.cut(0)
        assert nodes.leader(made.names, 0) is None
        with pytest.raises(lab.NodeUnreachable):
            one.run(["true"], timeout=10)
        made.start(0)
        assert (
            one.run(["cat", "/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"]).out == before
        )
        assert one.read("/root/kept") == b"1"
    finally:
        made.down()
    assert leftovers.find(name) == []


def test_power_cut_and_interrupted_up_leave_nothing() -> None:
    """A node whose supervisor was killed runs on as an orphan; `down` finds and ends it."""
    name = f"t{raw(5).hex()}"
    cut = lab.up(name, nodes=2, console_port=None)
    assert (
        cut.nodes[0].run(["cat", "/etc/machine-id"]).out
        != cut.nodes[1].run(["cat", "/etc/machine-id"]).out
    )
    uuids = {
        one.run(["virsh", "-c", "qemu:///system", "capabilities"]).text.split("uuid>")[1]
        for one in cut.nodes
    }
    assert len(uuids) == 2
    cut.nodes[0].run(["ping", "-c1", "-W2", cut.nodes[1].address])
    nspawn = processes.noted(cut.nodes[0].folder / "nspawn.pid")
    assert nspawn is not None
    nspawn.send(signal.SIGKILL)
    assert nspawn.wait(5)
    pid1 = nodes.leader(cut.names, 0)
    assert pid1 is not None, "the node's PID 1 outlives its supervisor"
    (cut.names.folder / "lab.json").unlink()  # as an interrupted `up` leaves it
    kinds = {one.kind for one in leftovers.find(name)}
    assert kinds >= {"process", "mount", "namespace", "cgroup", "folder"}
    cut.down()
    assert not pid1.alive()
    assert leftovers.find(name) == []
    assert cgroups.existing(f"hbox.{name}.") == []
    cut.down()


def test_a_killed_builder_leaves_no_program_behind(tmp_path: Path) -> None:
    """Else the next builder would clear a folder that is still being written to."""
    debian = build.everything().layers[-1]
    mark = f"3{int.from_bytes(raw(3), 'big')}"
    code = (
        "import pathlib; from appliance.host import LocalHost; from images import chroot;"
        f"chroot.run(LocalHost(), pathlib.Path({str(debian)!r}), ['sleep', '{mark}'])"
    )
    builder = processes.spawn(
        LocalHost(), [sys.executable, "-c", code], tmp_path / "pid", log=tmp_path / "log"
    )
    deadline = monotonic() + 60
    while not _sleeping(mark):
        assert builder.alive(), processes.tail(tmp_path / "log")
        assert monotonic() < deadline
        pause(0.1)
    builder.send(signal.SIGKILL)
    assert builder.wait(5)
    while _sleeping(mark):
        assert monotonic() < deadline
        pause(0.1)
    assert not [mount for mount in nodes.mounts() if mount.startswith(str(debian))]


def _sleeping(mark: str) -> bool:
    return any(line[:2] == ["sleep", mark] for _, line in processes.command_lines())


def test_nothing_foreign_is_signalled(tmp_path: Path) -> None:
    me = processes.current(os.getpid())
    assert me is not None
    processes.Process(me.pid, me.start + 1).send(
        signal.SIGKILL
    )  # the id was given to somebody else
    assert me.alive()
