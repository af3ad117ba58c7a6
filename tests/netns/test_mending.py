"""What a mending takes from the kernel's network comes back from it: addresses in a zone, switches of every card."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from compliance.remedies.host import SYSCTL
from compliance.remedies.model import ADDRESSES
from network.zones import PLAN

pytestmark = pytest.mark.netns

# `keep` and `back` are the node's own program; all of it runs in a network namespace that ends with it.
SCRIPT = """
set -eu
keep() {{ printf '%s' '{asked}' | {tool} --keep > /dev/null; }}
back() {{ {tool}; echo; }}
tell() {{ ip -br address | grep -v lo; grep -H . {conf}/*/accept_redirects {forward} | sort; }}
for bridge in br-int br-ext; do
    ip link add "$bridge" type bridge; ip link set "$bridge" up; echo 1 > /proc/sys/net/ipv6/conf/"$bridge"/disable_ipv6
done
ip address add 10.66.0.9/24 dev br-int; ip address add 10.66.0.8/24 brd + dev br-int
ip address add 10.77.0.9/32 scope link dev br-ext
echo 1 > {forward}
for file in {conf}/*/accept_redirects; do echo 1 > "$file"; done
tell > {folder}/before
keep
echo 0 > {forward}
for file in {conf}/*/accept_redirects; do echo 0 > "$file"; done
ip address flush dev br-int; ip address flush dev br-ext
ip link add passing type bridge
! tell | cmp -s - {folder}/before
back
ip link del passing
tell | diff - {folder}/before
back
"""


def test_addresses_and_switches_come_back_from_the_kernel(tmp_path):
    assert os.geteuid() == 0, "these tests need root: they build network namespaces"
    assert [zone.bridge for zone in PLAN.zones] == ["br-int", "br-ext"]
    kept = [ADDRESSES, *(one for one in SYSCTL if one.startswith("/proc/sys/net/ipv4/"))]
    script = SCRIPT.format(
        asked=json.dumps({"patterns": kept, "guard": [], "units": []}),
        tool=f"{sys.executable} -m compliance.restore {tmp_path}/kept",
        folder=tmp_path,
        conf="/proc/sys/net/ipv4/conf",
        forward="/proc/sys/net/ipv4/ip_forward",
    )
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script],
        cwd=Path(__file__).parents[2], capture_output=True, check=False, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert {ADDRESSES, "/proc/sys/net/ipv4/ip_forward"} <= set(first["moved"])
    assert "/proc/sys/net/ipv4/conf/br-int/accept_redirects" in first["moved"]
    assert (first["left"], second["moved"]) == ({}, [])
