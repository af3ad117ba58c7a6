"""`vagrant up` of one box, from the pack that `hbox image vagrant` writes, as a person would do it."""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.host import LocalHost, Result
from images import vagrant
from images.checkout import TOP
from tests.vagrant.hypervisor import Hypervisor

pytestmark = [pytest.mark.vagrant, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class Project:
    """The checkout's Vagrantfile with a Vagrant home of the test's own."""

    hypervisor: Hypervisor
    pack: Path

    def vagrant(self, *words: str, timeout: float = 120.0, check: bool = True) -> Result:
        home = self.hypervisor.folder
        env = {
            "HOME": str(home / "home"),
            "VAGRANT_HOME": str(home / "home/vagrant.d"),
            "VAGRANT_DOTFILE_PATH": str(home / "home/dot"),
            "VAGRANT_CWD": str(TOP),
            "HBOX_PACK": str(self.pack),
            "HBOX_NODES": "1",
        }
        return self.hypervisor.run(["vagrant", *words], timeout=timeout, check=check, env=env)

    def ssh(self, line: str) -> str:
        return self.vagrant("ssh", "-c", line).text.strip()


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with tempfile.TemporaryDirectory(prefix="hbox-vagrant-", dir="/var/tmp") as text:
        folder = Path(text)
        folder.chmod(0o755)
        pack = folder / "pack"
        hbox = str(Path(sys.executable).with_name("hbox"))
        LocalHost().run([hbox, "image", "vagrant", "--out", str(pack)], timeout=900)
        (folder / "machine/home").mkdir(parents=True)
        driver = json.loads((pack / vagrant.NOTE).read_text())["driver"]
        hypervisor = Hypervisor(folder / "machine", driver)
        hypervisor.open()
        made = Project(hypervisor, pack)
        try:
            yield made
        finally:
            made.vagrant("destroy", "-f", check=False)
            hypervisor.close()


def test_a_box_comes_up_and_is_well(project: Project) -> None:
    said = project.vagrant("up", "--provider=libvirt", timeout=1200, check=False)
    assert said.code == 0, said.text[-3000:]
    assert "https://10.77.1." in said.text
    assert project.ssh("systemctl is-system-running") == "running"
    assert project.ssh("hostname") == "hbox"
    (node,) = json.loads(project.ssh("hbox node list --format json"))
    assert (node["name"], node["state"]) == ("hbox", "active")
    addresses = json.loads(project.ssh("ip -j addr show host0"))[0]["addr_info"]
    (address,) = [a["local"] for a in addresses if a["family"] == "inet"]
    ca = project.hypervisor.folder / "ca.crt"
    ca.write_text(project.ssh("cat /var/lib/hbox/tls/ca.crt") + "\n")
    argv = ["curl", "--silent", "--show-error", "--cacert", str(ca), "--output", "/dev/null"]
    asked = [*argv, "--write-out", "%{http_code}", f"https://{address}:8443/"]
    assert project.hypervisor.run(asked).text == "303"  # to the login page, under the box's own CA
