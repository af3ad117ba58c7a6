"""The workbook and the PDF made on a real node by a unit that can reach nothing else there."""

import json

import pytest

from appliance import clock
from appliance.host import LocalHost
from compliance import sandbox
from compliance.exports import FORMS, unit

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

GOAL = 120.0  # seconds for both forms on a node of a busy machine; alone it is about ten


@pytest.fixture(scope="module")
def report(node):
    """What the inspector finds on this node, as the worker hands it on."""
    node.run(sandbox.argv("示范医院"), timeout=320)
    return node.read(str(sandbox.OUT))


def test_both_forms_are_made_here_and_twice_the_same(node, report, tmp_path):
    began = clock.monotonic()
    made = {name: node.run(unit.argv(name), stdin=report, timeout=unit.LIMIT).out for name in FORMS}
    assert clock.monotonic() - began < GOAL
    for name, data in made.items():
        assert data.startswith(FORMS[name].begins)
        assert len(data) > 20_000
    again = node.run(unit.argv("xlsx"), stdin=report, timeout=unit.LIMIT).out
    assert again == made["xlsx"]
    (tmp_path / "report.pdf").write_bytes(made["pdf"])
    fonts = LocalHost().run(["pdffonts", str(tmp_path / "report.pdf")]).text
    assert "WenQuanYi-Micro-Hei" in fonts, "Chinese is set in the font of the image"


@pytest.mark.parametrize(
    "deed",
    [
        "ls /var/lib/hbox",
        "cat /etc/shadow",
        "cat /var/lib/hbox/keys/report.key",
        "touch /usr/lib/hbox/x",
        "ls /run/hbox",
        "curl -s -m 3 -k https://127.0.0.1:8443/",
        "ping -c 1 -W 1 10.66.0.1",
        "unshare -r true",
        "systemctl stop hbox-web",
    ],
)
def test_the_unit_reaches_nothing(node, deed):
    argv = unit.argv("pdf")
    bare = argv[: argv.index(sandbox.PYTHON)]
    assert node.run([*bare, "sh", "-c", "test -r /etc/os-release"], check=False).code == 0
    assert node.run([*bare, "sh", "-c", deed], check=False).code != 0


def test_a_run_leaves_all_forms_signed(node, report):
    assert json.loads(report)["checks"]
    node.run(["hbox", "compliance", "run"], timeout=600)
    for form in ("json", "html", *FORMS):
        node.run(["hbox", "compliance", "report", "--form", form, "--out", f"/root/r.{form}"])
    told = node.run(["hbox", "compliance", "verify", "/root/r.json"]).text
    for form in ("html", *FORMS):
        assert f"/root/r.{form}" in told
    node.run(["sh", "-c", "echo >> /root/r.pdf"])
    assert node.run(["hbox", "compliance", "verify", "/root/r.json"], check=False).code != 0
