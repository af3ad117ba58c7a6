"""The smallest real Ceph inside one lab node: a monitor, a manager and one disk that is a file; one copy.

Nothing here is how the box sets its storage up (that are the roles in playbooks/): it gives the storage
driver and the hypervisor driver a real cluster to work on in seconds. `up(node)` and `down(node)`. Its
daemons start again when they die, as those of a packaged Ceph do.
"""

import uuid
from typing import Any

CONF = """\
[global]
fsid = {fsid}
mon_host = [v2:{address}:3300]
public_addr = {address}
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
ms_bind_msgr1 = false
ms_bind_msgr2 = true
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_data_avail_warn = 1
log_to_file = false
log_to_stderr = true
[osd]
osd_memory_target = 939524096
bluestore_block_size = {size}
[client]
rbd_default_features = layering,exclusive-lock,object-map,fast-diff,deep-flatten
"""

MAKE = r"""
set -e; cd /etc/ceph; fsid=$1 address=$2
ceph-authtool -C mon.keyring --gen-key -n mon. --cap mon 'allow *'
ceph-authtool -C ceph.client.admin.keyring --gen-key -n client.admin \
    --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
ceph-authtool mon.keyring --import-keyring ceph.client.admin.keyring
monmaptool --create --addv a "[v2:$address:3300]" --fsid "$fsid" /etc/ceph/monmap
mkdir -p /var/lib/ceph/mon/ceph-a /var/lib/ceph/mgr/ceph-a /var/lib/ceph/osd/ceph-0 /run/ceph
ceph-mon --mkfs -i a --monmap monmap --keyring mon.keyring
systemd-run -q -p Restart=on-failure --unit=small-ceph-mon ceph-mon -f -i a
timeout 60 sh -c 'until ceph --connect-timeout 5 -s >/dev/null 2>&1; do sleep 0.5; done'
ceph auth get-or-create mgr.a mon 'allow profile mgr' osd 'allow *' mds 'allow *' \
    > /var/lib/ceph/mgr/ceph-a/keyring
systemd-run -q -p Restart=on-failure --unit=small-ceph-mgr ceph-mgr -f -i a
uuid=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$uuid"
ceph auth get-or-create osd.0 mon 'allow profile osd' mgr 'allow profile osd' osd 'allow *' \
    > /var/lib/ceph/osd/ceph-0/keyring
ceph-osd --mkfs -i 0 --osd-uuid "$uuid"
systemd-run -q -p Restart=on-failure --unit=small-ceph-osd ceph-osd -f -i 0
ceph osd pool create hbox 8 8 replicated
ceph osd pool application enable hbox rbd
ceph auth get-or-create client.hbox mon 'profile rbd' mgr 'profile rbd pool=hbox' \
    osd 'profile rbd pool=hbox' > ceph.client.hbox.keyring
chmod 0600 *.keyring
timeout 90 sh -c 'until ceph pg stat | grep -q "8 active+clean\|9 active+clean"; do sleep 0.5; done'
"""

SECRET = """\
<secret ephemeral='no' private='yes'><uuid>{secret}</uuid>
<usage type='ceph'><name>client.hbox secret</name></usage></secret>
"""

UNITS = ("small-ceph-osd", "small-ceph-mgr", "small-ceph-mon")


def up(node: Any, *, gib: int = 6, libvirt: bool = False) -> None:
    """Bring it up on `node` (run, read, write as a Host); with `libvirt` its secret is there too."""
    fsid = str(uuid.uuid4())
    conf = CONF.format(fsid=fsid, address=node.address, size=gib * 1024**3)
    node.run(["mkdir", "-p", "/etc/ceph"])
    node.write("/etc/ceph/ceph.conf", conf.encode())
    node.run(["sh", "-c", MAKE, "make", fsid, node.address], timeout=300)
    if libvirt:
        secret = str(uuid.uuid5(uuid.UUID(fsid), "client.hbox"))
        node.write("/etc/ceph/secret.xml", SECRET.format(secret=secret).encode())
        node.run(["virsh", "secret-define", "/etc/ceph/secret.xml"])
        value = "ceph auth get-key client.hbox > /etc/ceph/client.hbox.key"
        node.run(["sh", "-c", f"umask 077; {value}"])
        node.run(["virsh", "secret-set-value", secret, "--file", "/etc/ceph/client.hbox.key"])


def told(node: Any) -> str:
    """What it says of itself: for the failure of a test that used it."""
    look = "timeout 20 ceph -s; df -h /var/lib/ceph; virsh list --all; systemctl status --no-pager -n 30 "
    return str(
        node.run(["sh", "-c", f"({look} {' '.join(UNITS)}) 2>&1"], check=False, timeout=60).text
    )


def down(node: Any) -> None:
    """Stop it and take all of it away."""
    if (secret := node.run(["cat", "/etc/ceph/secret.xml"], check=False)).code == 0:
        known = secret.text.partition("<uuid>")[2].partition("</uuid>")[0]
        node.run(["virsh", "secret-undefine", known])
    for unit in UNITS:
        node.run(["systemctl", "stop", f"{unit}.service"], check=False)
    folders = ("/etc/ceph", "/var/lib/ceph/mon", "/var/lib/ceph/mgr", "/var/lib/ceph/osd")
    for folder in folders:
        node.run(["find", folder, "-mindepth", "1", "-delete"], check=False)
