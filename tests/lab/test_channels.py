"""On a real node: two persons open a channel by its text, try a change of it, pause it, and take it away."""

import json

import pytest

from appliance.clock import monotonic, pause

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

SYSTEM, SECURITY = "hbox-sys", "hbox-sec"
TEXT = """\
id = "lab-report"
purpose = "检验报告推送 lab reports go out"
data_class = "3"
direction = "intranet->extranet"
lane = "store"
protocol = "hl7v2"
peer = "10.66.0.60"
target = "mllp://10.88.0.60:2575"
types = ["ORU^R01"]
parts = [
  { path = "PID-3", required = true },
  { path = "PID-5", mask = "name" },
  { path = "OBX-*" },
]
"""


@pytest.fixture(scope="module")
def box(node):
    node.wait_ready(units=["hbox-worker", "hbox-web", "hbox-gateway"])
    until(node, ["test", "-S", "/run/hbox/api.sock"])
    node.write("/tmp/lab-report.toml", TEXT.encode())
    node.run(["chmod", "0644", "/tmp/lab-report.toml"])
    return node


def until(node, argv, seconds=60.0):
    """Wait until the program succeeds on the node; show what the web process said when it does not."""
    end = monotonic() + seconds
    while node.run(argv, check=False).code != 0:
        log = ["journalctl", "-u", "hbox-web", "-n", "30", "--no-pager"]
        assert monotonic() < end, node.run(log, check=False).text
        pause(1.0)


def hbox(node, user, *words, code=0):
    done = node.run(
        ["runuser", "-u", user, "--", "hbox", "gateway", *words], check=False, timeout=240
    )
    assert done.code == code, done.err.decode()
    return done


def told(node, *words):
    return json.loads(hbox(node, SYSTEM, *words, "--format", "json").text)


def shown_as(node, *, paused, seconds=30.0):
    """Wait until the list, which follows the journal, shows the channel so."""
    end = monotonic() + seconds
    while told(node, "channel", "list")[0]["paused"] is not paused:
        assert monotonic() < end
        pause(1.0)


def opened(node) -> str:
    return node.run(["nft", "list", "table", "bridge", "hbox"]).text


def test_a_channel_opens_by_two_persons_and_closes_again(box):
    hbox(box, SYSTEM, "channel", "new", "/tmp/lab-report.toml", "--reason", "上线")
    number = str(told(box, "change", "list", "--state", "pending")[0]["number"])
    assert "10.66.0.60" not in opened(box)
    refused = hbox(box, SYSTEM, "change", "approve", number, code=1)
    assert b"auth.forbidden" in refused.err
    assert b"never tried" in hbox(box, SECURITY, "change", "approve", number).err
    (channel,) = [c for c in told(box, "channel", "list") if c["id"] == "lab-report"]
    assert (channel["requester"], channel["approver"]) == ("sysadmin", "secadmin")
    listed = opened(box)
    for end in ("10.66.0.60", "10.88.0.60"):
        assert end in listed
    assert box.run(["systemctl", "is-active", "hbox-gateway"]).text.strip() == "active"

    hbox(box, SYSTEM, "channel", "remove", "lab-report", "--reason", "停用")
    number = str(told(box, "change", "list", "--state", "pending")[0]["number"])
    trial = hbox(box, SECURITY, "change", "try", number, "--format", "json").text
    assert json.loads(trial)["unreadable"] == 0

    done = hbox(box, SECURITY, "channel", "pause", "lab-report", "--reason", "演练")
    assert "True" in done.text or "是 yes" in done.text  # the running guard journaled it
    shown_as(box, paused=True)
    hbox(box, SECURITY, "channel", "resume", "lab-report", "--reason", "完毕")
    shown_as(box, paused=False)

    assert b"never tried" not in hbox(box, SECURITY, "change", "approve", number).err
    assert told(box, "channel", "list") == []
    assert "10.66.0.60" not in opened(box)


def test_every_algorithm_is_tried_on_the_box_itself(box):
    uses = json.loads(box.run(["hbox", "gateway", "algorithms", "--format", "json"]).text)
    tried = {use["algorithm"] for use in uses if use["seen"] == "tried"}
    assert "SM4-GCM" in tried
    assert any("curveSM2" in one for one in tried)
    absent = [use["purpose"]["zh"] for use in uses if use["seen"] == "absent"]
    assert not absent
