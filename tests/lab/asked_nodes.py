"""What the inspector at home sees of another node, and of one that is half dead: for the tests of several nodes."""

import json
from contextlib import contextmanager

from appliance.clock import monotonic
from compliance import sandbox
from compliance.verify import check_content
from controller.workers.inspecting import KEY

# What the other node's program does instead of answering, and what its findings then say.
HALF_DEAD = {
    "closes the line": ("head -c 2000", "连接中断"),
    "floods": ("head -c 60000; yes 0123456789abcdef", "字节"),
    "another clock": ('sed \'s/"at": "20[0-9][0-9]/"at": "2019/\'', "时钟不准"),
    "another name": ('sed \'s/"node": "/"node": "x/\'', "另一节点"),
    "babbles": ("tr 'a-y' 'b-z'", "不是检查程序的回答"),
}


def inspected(home, objects="host,hypervisor"):
    """Inspect from home; return the report and the seconds it took."""
    began = monotonic()
    argv = sandbox.argv("示范医院", objects, key=f"/var/lib/hbox/keys/{KEY}")
    home.run(argv, timeout=400)
    report = json.loads(home.read(str(sandbox.OUT)))
    check_content(report)
    return report, monotonic() - began


def verdicts(report, ref):
    """Verdict and reason of every check on one object."""
    return {
        one["id"]: (one["verdict"], one["reason"]["zh"])
        for one in report["checks"]
        if one["subject"] == ref
    }


@contextmanager
def half_dead(other, what):
    """Let the other node's answers pass through a shell command."""
    path = "/usr/lib/hbox/answer"
    right = other.read(path)
    other.write(f"{path}.right", right, mode=0o755)
    other.write(path, f"#!/bin/sh\n{path}.right | {what}\n".encode(), mode=0o755)
    try:
        yield
    finally:
        other.write(path, right, mode=0o755)
        other.run(["rm", f"{path}.right"])


@contextmanager
def away(home, other):
    """Let nothing pass from home to the other node."""
    route = ["blackhole", f"{other.address}/32"]
    home.run(["ip", "route", "add", *route])
    try:
        yield
    finally:
        home.run(["ip", "route", "del", *route])


def disbelieved(home, other, why):
    """Prove that the run ends soon, and that what is unknown of the other node, and only there, says why."""
    report, seconds = inspected(home)
    assert seconds < 90
    ill, well = (verdicts(report, f"host:{node.name}") for node in (other, home))
    silent = [verdict for verdict, said in ill.values() if why in said]
    assert silent
    assert set(silent) == {"unknown"}
    assert why not in json.dumps(well, ensure_ascii=False)
