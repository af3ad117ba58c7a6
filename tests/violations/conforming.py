"""Runs on the node, with the product's Python: gives a fresh box what it needs to conform, as a hospital would.

A time source, a signed template, and one channel across that was asked for, tried and approved.
"""

import sqlite3
import subprocess
from pathlib import Path

from appliance import clock, settings
from appliance.signing import SigningKey
from controller.workers.template_shelf import Shelf, Signed, digest_of
from network.gateway.channel import Channel
from network.gateway.inspect import Field
from network.gateway.policy import Policy, write

BOX = settings.load()
CHANNEL = Channel(
    id="slot-read",
    direction="extranet->intranet",
    lane="request",
    peer="10.88.0.10",
    target="http://10.66.0.10:8080",
    data_class="号源",
    purpose="查询可预约号源",
    requester="sysadmin",
    approver="secadmin",
    method="GET",
    path="/fhir/Slot",
    response=(Field("resourceType", "string", longest=256),),
)


def change(query: str, values: tuple[object, ...]) -> None:
    """Write one row into the records."""
    with sqlite3.connect(BOX.state / "db" / "hbox.sqlite", timeout=10) as link:
        link.execute(query, values)


def time_source() -> None:
    """A second chronyd on the loopback, which this one follows."""
    Path("/run/violated-time.conf").write_text(
        "local stratum 5\nport 12399\nbindaddress 127.0.0.1\nallow 127.0.0.1\ncmdport 0\n"
        "bindcmdaddress /run/violated-time.sock\npidfile /run/violated-time.pid\nuser root\n"
    )
    served = ["chronyd", "-x", "-d", "-f", "/run/violated-time.conf"]
    subprocess.run(["systemd-run", "--quiet", "--unit=violated-time", *served], check=True)
    source = "server 127.0.0.1 port 12399 iburst minpoll 0 maxpoll 2\n"
    listed = Path("/etc/chrony/sources.d/time.sources")
    listed.write_text(source)
    listed.chmod(0o644)  # chronyd reads it without root's rights
    subprocess.run(["systemctl", "restart", "chrony"], check=True)
    subprocess.run(["chronyc", "-n", "waitsync", "60", "0", "0", "1"], check=True)


def template() -> None:
    """An image of nothing, signed with the box's own key."""
    shelf = Shelf(BOX)
    file = shelf.file("violated")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(file), "1M"], check=True)
    said = Signed(
        "violated", "violated", "1", digest_of(file), "qcow2", "bios", 1, file.stat().st_size
    )
    shelf.sign(said)
    clock.pause(0.05)
    change(
        "INSERT INTO templates VALUES (?, ?, '1', '', ?, ?, ?, 'qcow2', 'bios', 1, 'ready', ?, 'ready', ?)",
        ("violated", "violated", said.digest, shelf.key.public.fingerprint,
         shelf.signature("violated"), clock.iso(), clock.iso()),
    )  # fmt: skip


def channel() -> None:
    """A channel in force, and the change that somebody else approved."""
    key = SigningKey.load(BOX.keys / "policy.key")
    write(BOX.state / "gateway", Policy(2, clock.iso(), (CHANNEL,)), key)
    held = {
        "number": 1, "channel": CHANNEL.id, "op": "add", "base": 1, "before": "", "text": "",
        "digest": "as tried", "reason": "预约", "widens": "[]", "state": "approved",
        "requester": "sysadmin", "requested_at": clock.iso(), "approver": "secadmin",
        "decided_at": clock.iso(), "version": 2, "trial": '{"digest": "as tried"}', "job_id": "ready",
    }  # fmt: skip
    names, marks = ", ".join(f'"{name}"' for name in held), ", ".join("?" * len(held))
    change(f"INSERT INTO channel_changes ({names}) VALUES ({marks})", tuple(held.values()))


if __name__ == "__main__":
    time_source()
    template()
    channel()
