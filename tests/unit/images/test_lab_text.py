"""What a lab tells the kernel, QEMU and its nodes, as text."""

import json
from pathlib import Path

import pytest

from appliance.errors import BadInput
from images import boot
from images.lab import cgroups, forward, names, nodes, seed, switch

_NAMES = names.Names("demo", Path("/labs"))


@pytest.mark.parametrize("bad", ["", "A", "a-ext", "1a", "a" * 17, "a/b", "a.b"])
def test_lab_names_cannot_collide_or_escape(bad: str) -> None:
    with pytest.raises(BadInput):
        names.names(bad)


def test_the_switch_joins_no_two_zones() -> None:
    plan = switch.plan(_NAMES)
    assert plan[0] == (
        "",
        ["netns add hbox-demo", "netns add hbox-demo-ext", "netns add hbox-demo-int"],
    )
    lines = [line for _, part in plan for line in part]
    masters = {line.split()[2]: line.split()[4] for line in lines if " master " in line}
    assert masters == {"ext-out": "ext", "int-out": "int"}
    assert "addr add 10.88.0.200/24 dev eth0" in lines
    assert "addr add 10.66.0.200/24 dev eth0" in lines
    assert [line for line in lines if "route" in line or "forward" in line] == []
    for number in (0, 9):
        assert all(len(outer) <= 15 for outer, _, _ in switch.node_wires(number))


def test_a_node_has_no_more_rights_than_it_needs() -> None:
    plan = nodes.Plan(
        (Path("/p"), Path("/d")), Path("/g"), "/on/box", "ssh-ed25519 k", ("/dev/net/tun",)
    )
    argv = nodes.argv(_NAMES, 1, plan)
    assert argv[:3] == ["nsenter", "--net=/run/netns/hbox-demo", "--"]
    text = " ".join(argv)
    for right in ("SYS_TIME", "SYS_MODULE", "SYS_RAWIO", "capability=all"):
        assert right not in text
    assert "--drop-capability=CAP_SYS_BOOT" in argv
    assert "--bind-ro=/g:/on/box" in argv
    assert "--network-veth-extra=n1-ext:ext0" in argv


def test_a_node_knows_that_it_is_in_a_lab() -> None:
    me = seed.Identity("0" * 32, "u-u", "ssh-ed25519 k")
    files = seed.files(_NAMES, 2, me, ["/dev/vdb", "/dev/vda"])
    lab = json.loads(files["/etc/hbox/lab.json"][0])
    assert lab == {
        "lab": True,
        "name": "demo",
        "node": 2,
        "foreign_disks": ["/dev/vda", "/dev/vdb"],
    }
    assert files["/root/.ssh/authorized_keys"] == ("ssh-ed25519 k\n", 0o600)
    assert "Address=10.77.0.12/24" in files["/etc/systemd/network/10-host0.network"][0]
    assert files["/etc/libvirt/libvirtd.conf"][0] == 'host_uuid = "u-u"\n'


def test_seed_files_land_with_their_modes(tmp_path: Path) -> None:
    me = seed.Identity("0" * 32, "u-u", "ssh-ed25519 k")
    seed.lay(tmp_path, seed.files(_NAMES, 0, me, []))
    assert (tmp_path / "root/.ssh").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "root/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        ("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", ["/sys/fs/cgroup"]),
        (
            (
                "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n"
                "cgroup /sys/fs/cgroup/systemd cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
                "cgroup2 /elsewhere/cgroup cgroup2 rw 0 0\n"
            ),
            ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"],
        ),
    ],
)
def test_every_hierarchy_is_found(mounts: str, found: list[str]) -> None:
    assert [str(path) for path in cgroups.hierarchies(mounts)] == found


def test_a_door_opens_on_loopback_only() -> None:
    argv = forward.argv("hbox-demo", 8443, "10.77.0.10:8443", "/proxyd")
    assert argv[:3] == ["systemd-socket-activate", "-l", "127.0.0.1:8443"]
    assert argv[-2:] == ["/proxyd", "10.77.0.10:8443"]


def test_qemu_is_reached_on_loopback_only_and_keeps_the_disk_as_it_is(tmp_path: Path) -> None:
    machine = boot.Machine(
        *(tmp_path / "k", tmp_path / "i", "root=/dev/vda", tmp_path / "s"),
        disk=tmp_path / "d",
        forwards={2222: 22},
    )
    argv = boot.argv(machine)
    assert "user,id=management,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22" in argv
    assert f"file={tmp_path / 'd'},if=virtio,snapshot=on" in argv


def test_the_newest_kernel_and_its_own_ram_disk(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    for name in ("vmlinuz-6.12.1-amd64", "vmlinuz-6.12.2-amd64", "initrd.img-6.12.2-amd64"):
        (tmp_path / "boot" / name).touch()
    assert [path.name for path in boot.kernel(tmp_path)] == [
        "vmlinuz-6.12.2-amd64",
        "initrd.img-6.12.2-amd64",
    ]
