"""The unit check and the wheel check: what a module may not bring."""

import pytest

from appliance.sdk import manifest, unit, wheelname
from appliance.sdk.errors import UnitInvalid, WheelInvalid
from tests.unit.sdk.sample import MANIFEST, UNIT

SAMPLE = manifest.parse(MANIFEST.encode())


def test_the_sample_is_fine() -> None:
    unit.check(UNIT, SAMPLE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DynamicUser=yes", "User=root"),
        ("DynamicUser=yes", ""),
        ("DynamicUser=yes", "DynamicUser=no"),
        ("DynamicUser=yes", "DynamicUser=yes\nUser=root"),
        ("DynamicUser=yes", "DynamicUser=yes\nDynamicUser=no"),
        ("NoNewPrivileges=yes", "NoNewPrivileges=no"),
        ("NoNewPrivileges=yes", ""),
        ("PrivateTmp=yes", "PrivateTmp=yes\nAmbientCapabilities=CAP_SYS_ADMIN"),
        ("PrivateTmp=yes", "PrivateTmp=yes\nCapabilityBoundingSet=CAP_NET_RAW"),
        ("PrivateTmp=yes", "PrivateTmp=yes\nExecStartPre=+/bin/sh"),
        ("PrivateTmp=yes", "PrivateTmp=yes\nBindPaths=/:/x"),
        ("ProtectSystem=strict", "ProtectSystem=no"),
        ("/usr/bin/python3 -m acme_visit", "+/usr/bin/python3 -m acme_visit"),
        ("/usr/bin/python3 -m acme_visit", "/bin/sh -c id"),
        ("/usr/bin/python3 -m acme_visit", "/usr/bin/python3 -m acme_visit\nExecStart=/bin/id"),
        ("/usr/bin/python3 -m acme_visit", "/usr/bin/python3 \\\n -m acme_visit"),
        ("StateDirectory=hbox-module/acme-visit", "StateDirectory=hbox-module/other"),
        ("modules/acme-visit.json", "modules/other.json"),
        ("config:/etc/hbox/modules/acme-visit.json", "config:/etc/shadow"),
        ("[Install]", "[Socket]\nListenStream=22\n[Install]"),
        ("Description=sample", "Description=sample\nOnFailure=x.service"),
        ("WantedBy=multi-user.target", "WantedBy=sysinit.target"),
        ("WantedBy=multi-user.target", "Alias=ssh.service"),
        ("[Unit]", "stray\n[Unit]"),
    ],
)
def test_anything_more_is_refused(old: str, new: str) -> None:
    text = UNIT.replace(old, new)
    assert text != UNIT
    with pytest.raises(UnitInvalid):
        unit.check(text, SAMPLE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # For systemd a comment: the module would run as root in its guest.
        ("DynamicUser=yes", "#\u2028DynamicUser=yes"),
        ("DynamicUser=yes", "#\x85DynamicUser=yes"),
        ("DynamicUser=yes", "#\x0cDynamicUser=yes"),
        # For systemd lines of their own.
        ("=sample", "=a\0[Service]\0ExecStartPre=+/bin/true\0[Unit]\0Documentation=b"),
        ("=sample", "=a\r[Service]\rExecStartPre=+/bin/true\r[Unit]\rDocumentation=b"),
        # For systemd no section, or another one.
        ("[Service]", "\u00a0[Service]"),
        ("[Service]", "[[Service]]"),
        ("[Service]", "[Service"),
    ],
)
def test_what_systemd_reads_in_another_way_is_refused(old: str, new: str) -> None:
    text = UNIT.replace(old, new)
    assert text != UNIT
    with pytest.raises(UnitInvalid):
        unit.check(text, SAMPLE)


@pytest.mark.parametrize(
    "name",
    [
        "a-1-py3-none-any.whl",
        "a-1-py2.py3-none-any.whl",
        "a-1-cp313-cp313-manylinux_2_28_x86_64.whl",
        "a-1-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "a-1-cp39-abi3-manylinux_2_34_x86_64.whl",
        "a-1-1-py3-none-any.whl",
    ],
)
def test_wheels_the_box_can_run(name: str) -> None:
    wheelname.check(name)


@pytest.mark.parametrize(
    "name",
    [
        "a-1-cp312-cp312-manylinux_2_28_x86_64.whl",
        "a-1-cp314-abi3-manylinux_2_28_x86_64.whl",
        "a-1-cp313-cp313t-manylinux_2_28_x86_64.whl",
        "a-1-cp313-cp313-manylinux_2_28_aarch64.whl",
        "a-1-cp313-cp313-manylinux_2_99_x86_64.whl",
        "a-1-cp313-cp313-musllinux_1_2_x86_64.whl",
        "a-1-cp313-cp313-win_amd64.whl",
        "a-1-cp313-cp313-linux_x86_64.whl",
        "a-1-py2-none-any.whl",
        "a-1.whl",
        "a-1.tar.gz",
    ],
)
def test_wheels_it_cannot(name: str) -> None:
    with pytest.raises(WheelInvalid):
        wheelname.check(name)
