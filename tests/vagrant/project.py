"""The checkout's Vagrantfile, its box and a Vagrant home of their own, beside a libvirtd of their own."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.host import LocalHost, Result
from images import vagrant
from images.checkout import TOP
from tests.vagrant.hypervisor import Hypervisor


@dataclass(frozen=True)
class Project:
    """One node of the Vagrantfile, from the pack that `hbox image vagrant` wrote."""

    hypervisor: Hypervisor
    pack: Path

    def vagrant(self, *words: str, timeout: float = 120.0, check: bool = True) -> Result:
        """Run `vagrant` as a person would in the checkout."""
        home = self.hypervisor.folder / "home"
        env = {
            "HOME": str(home),
            "VAGRANT_HOME": str(home / "vagrant.d"),
            "VAGRANT_DOTFILE_PATH": str(home / "dot"),
            "VAGRANT_CWD": str(TOP),
            "HBOX_PACK": str(self.pack),
            "HBOX_NODES": "1",
        }
        return self.hypervisor.run(["vagrant", *words], timeout=timeout, check=check, env=env)

    def ssh(self, line: str) -> str:
        """Return what a command line says on the node."""
        return self.vagrant("ssh", "-c", line).text.strip()


@contextlib.contextmanager
def opened() -> Iterator[Project]:
    """Write the pack, start the libvirtd; at the end destroy what is up and end it."""
    with tempfile.TemporaryDirectory(prefix="hbox-vagrant-", dir="/var/tmp") as text:
        folder = Path(text)
        folder.chmod(0o755)
        pack = folder / "pack"
        hbox = str(Path(sys.executable).with_name("hbox"))
        LocalHost().run([hbox, "image", "vagrant", "--out", str(pack)], timeout=900)
        (folder / "machine/home").mkdir(parents=True)
        driver = json.loads((pack / vagrant.NOTE).read_text())["driver"]
        made = Project(Hypervisor(folder / "machine", driver), pack)
        made.hypervisor.open()
        try:
            yield made
        finally:
            made.vagrant("destroy", "-f", check=False)
            made.hypervisor.close()
