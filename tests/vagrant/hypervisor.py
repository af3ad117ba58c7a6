"""A libvirtd of the test's own in namespaces of its own: nothing of the machine's libvirt or network is touched."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.clock import monotonic, pause
from appliance.host import LocalHost, Result, Started, start

_CONF = """cgroup_controllers = []
security_driver = "none"
stdio_handler = "file"
namespaces = []
"""
# The old sysfs shows the interfaces of the machine's own network; a new one hides the cgroups.
_PREPARE = """set -eu
ip link set lo up
mkdir -p "$1/cgroup"
mount --rbind /sys/fs/cgroup "$1/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$1/cgroup" /sys/fs/cgroup
for place in etc var/lib run var/log var/cache; do
    mkdir -p "/$place/libvirt" "$1/$place"
    mount --bind "$1/$place" "/$place/libvirt"
done
mkdir -p /var/lib/libvirt/images /var/lib/libvirt/qemu /var/cache/libvirt/qemu /var/log/libvirt/qemu
chown libvirt-qemu: /var/lib/libvirt/qemu /var/cache/libvirt/qemu
# Opened by libvirt at every look-up; where KVM does not work it had better look like nothing at all.
[ "$2" = kvm ] || [ ! -e /dev/kvm ] || mount --bind /dev/null /dev/kvm
"""
_POOL = """<pool type='dir'><name>default</name><target><path>/var/lib/libvirt/images</path></target></pool>"""


@dataclass
class Hypervisor:
    """`folder` holds all it writes; programs are run beside it by `run`."""

    folder: Path
    driver: str
    holder: Started | None = None
    daemon: Started | None = None

    def open(self) -> None:
        """Make the namespaces and start the daemon in them."""
        self.folder.chmod(0o755)  # QEMU's own user passes through
        shutil.copytree("/etc/libvirt", self.folder / "etc", symlinks=True)
        (self.folder / "etc/qemu.conf").write_text(_CONF)
        argv = ["unshare", "--mount", "--net", "--propagation", "private", "sleep", "infinity"]
        self.holder = start(argv)
        self._until(self._entered)
        self.run(["sh", "-c", _PREPARE, "sh", str(self.folder), self.driver])
        self.daemon = start(self._argv(["libvirtd"]), log=self.folder / "libvirtd.log")
        self._until(lambda: self.run(["virsh", "version"], check=False).code == 0)
        (self.folder / "pool.xml").write_text(_POOL)
        self.run(["virsh", "pool-define", str(self.folder / "pool.xml")])
        self.run(["virsh", "pool-start", "default"])

    def close(self) -> None:
        """End the machines, the daemon, and with the last process the namespaces."""
        for name in self.run(["virsh", "list", "--name"], check=False).text.split():
            self.run(["virsh", "destroy", name], check=False)
        for name in self.run(["virsh", "net-list", "--name"], check=False).text.split():
            self.run(["virsh", "net-destroy", name], check=False)
        for started in (self.daemon, self.holder):
            if started is not None:
                started.end()

    def run(
        self,
        argv: list[str],
        *,
        timeout: float = 60.0,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a program in the namespaces."""
        return LocalHost().run(self._argv(argv), timeout=timeout, check=check, env=env)

    def _argv(self, argv: list[str]) -> list[str]:
        assert self.holder is not None
        return ["nsenter", "--mount", "--net", f"--target={self.holder.pid}", "--", *argv]

    def _entered(self) -> bool:
        """Whether `unshare` has come to its namespaces and to `sleep`."""
        assert self.holder is not None
        return Path(f"/proc/{self.holder.pid}/comm").read_text().strip() == "sleep"

    def _until(self, holds) -> None:
        end = monotonic() + 30
        while not holds():
            log = self.folder / "libvirtd.log"
            assert monotonic() < end, log.read_text() if log.exists() else "no namespaces"
            pause(0.2)
