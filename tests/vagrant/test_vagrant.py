"""`vagrant up` of one box, from the pack that `hbox image vagrant` writes, as a person would do it."""

import json
from collections.abc import Iterator

import pytest

from tests.vagrant.project import Project, opened

pytestmark = [pytest.mark.vagrant, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with opened() as made:
        yield made


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
