"""Live migration for real: two nodes, TLS both for libvirt and for QEMU, a disk in Ceph."""

import json
import re

import pytest

from appliance.chance import raw
from controller.drivers.suite_moving import MOVING
from images import lab
from images.lab import leftovers
from images.lab.forward import free_port
from tests.lab import small_ceph
from tests.lab.rigging import PYTHON
from tests.lab.rigging import SCRIPT as RIG

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
SCRIPT = RIG.with_name("moves.py")

MAKE = r"""
set -e; umask 077; mkdir -p /root/pki; cd /root/pki
curve="ec -pkeyopt ec_paramgen_curve:prime256v1"
openssl req -x509 -newkey $curve -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=moves \
    -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign
for address in "$@"; do
    openssl req -newkey $curve -nodes -keyout $address.key -out csr -subj /CN=$address
    printf 'subjectAltName=IP:%s\nextendedKeyUsage=serverAuth,clientAuth\n' $address > ext
    openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext \
        -out $address.pem
done
"""
OPEN = r"""
set -e; umask 022; mkdir -p /etc/pki/CA /etc/pki/libvirt/private /etc/pki/qemu; cd /etc/pki
cp /root/ca.pem CA/cacert.pem; cp /root/ca.pem qemu/ca-cert.pem
for who in server client; do
    cp /root/node.pem libvirt/${who}cert.pem; cp /root/node.key libvirt/private/${who}key.pem
    cp /root/node.pem qemu/$who-cert.pem; cp /root/node.key qemu/$who-key.pem
    chown libvirt-qemu qemu/$who-key.pem; chmod 0400 qemu/$who-key.pem
done
printf 'migrate_tls_x509_verify = 1\ndefault_tls_x509_verify = 1\n' >> /etc/libvirt/qemu.conf
rm -f /etc/systemd/system/libvirtd-tls.socket; systemctl daemon-reload
systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
systemctl start libvirtd-tls.socket libvirtd.socket libvirtd-ro.socket libvirtd.service
nft insert rule inet hbox input ip saddr $1/24 accept
for bridge in br-int br-ext; do
    ip link show $bridge >/dev/null 2>&1 || ip link add $bridge type bridge; ip link set $bridge up
done
mkdir -p /var/lib/hbox-moves
"""


@pytest.fixture(scope="module")
def pair():
    made = lab.up(f"m{raw(5).hex()}", nodes=2, console_port=free_port())
    try:
        here, away = made.nodes
        here.run(["sh", "-c", MAKE, "make", here.address, away.address])
        for node in (here, away):
            for name, there in (("ca.pem", "ca.pem"), (f"{node.address}.pem", "node.pem")):
                node.write(f"/root/{there}", here.read(f"/root/pki/{name}"))
            node.write("/root/node.key", here.read(f"/root/pki/{node.address}.key"), mode=0o600)
            node.run(["sh", "-c", OPEN, "open", node.address])
        small_ceph.up(here, libvirt=True)
        here.run(["rbd", "--id", "hbox", "create", "--size", "64M", "hbox/mover.system"])
        share(here, away)
        yield here, away
    finally:
        made.down()
        assert leftovers.find(made.name) == []


def share(here, away):
    """The other node reaches the same Ceph, with the same secret."""
    away.run(["mkdir", "-p", "/etc/ceph"])
    for name in ("ceph.conf", "ceph.client.hbox.keyring", "secret.xml", "client.hbox.key"):
        away.write(f"/etc/ceph/{name}", here.read(f"/etc/ceph/{name}"), mode=0o600)
    away.run(["virsh", "secret-define", "/etc/ceph/secret.xml"])
    given = ["--file", "/etc/ceph/client.hbox.key"]
    away.run(["virsh", "secret-set-value", secret(here), *given])


def secret(node):
    return re.search("<uuid>(.*)</uuid>", node.read("/etc/ceph/secret.xml").decode())[1]


@pytest.fixture(scope="module")
def move(pair):
    here, away = pair
    here.write("/root/moves.py", SCRIPT.read_bytes())

    def run(verb):
        words = [PYTHON, "/root/moves.py", away.address, here.address, secret(here), verb]
        return json.loads(here.run(words, timeout=400).text.splitlines()[-1])

    return run


def test_the_driver_conforms(move):
    assert move("conform")["kept"] == [promise.keep.__name__ for promise in MOVING]


def test_a_move_outlives_the_worker_that_began_it(move):
    begun = move("begin")
    done = move("await")
    assert done["first"] >= begun["part"] > 0, "it began anew instead of going on"
    assert (done["here"], done["there"]) == ("absent", "running")
    assert done["encrypted"]
    assert done["total_ms"] > done["downtime_ms"] > 0


def test_back_canceled_and_with_libvirtd_killed(move):
    home = move("back")
    assert (home["here"], home["there"]) == ("running", "absent")
    stayed = move("cancel")
    assert stayed["failed"] == ["EngineFailed"]
    assert (stayed["here"], stayed["there"]) == ("running", "absent")
    gone = move("lose")
    assert (gone["here"], gone["there"]) == ("absent", "running")


def test_without_certificates_nothing_travels(move, pair):
    """QEMU's own stream is what is encrypted: without its certificates the VM stays where it is."""
    _here, away = pair
    move("back") if move("cancel")["here"] == "absent" else None
    away.run(["mv", "/etc/pki/qemu", "/etc/pki/away"])
    stayed = move("cancel")
    assert stayed["failed"] == ["EngineFailed"]
    assert (stayed["here"], stayed["there"]) == ("running", "absent")
