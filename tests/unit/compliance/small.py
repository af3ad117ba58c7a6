"""A small report with people's part and the worst that a machine may answer, for the exports' tests."""

import copy
from collections import Counter

from compliance.model import WORST_FIRST

LAYERS = ("8.1.2", "8.1.4")

HOSTILE = (
    "=cmd|' /C calc'!A0\n+1\n@SUM(1)\x00\x1b[31m\u202e\ufffe</pre></td><script>alert(1)</script>"
    '<img src="file:///etc/passwd"><style>@import "http://evil/";*{display:none}</style>"}*{}\\_x003D_'
)

ANSWER = {
    "item": "8.1.4.1.a", "subject": "host:node1", "verdict": "conform", "record": "查阅了账户台账，人账相符",
    "answered_by": "张三", "answered_at": "2026-11-01T00:00:00+00:00", "approved_by": "李四",
    "approved_at": "2026-11-02T00:00:00+00:00", "review_by": "2027-11-01", "effect": "decides",
    "attachments": [{"name": "台账.pdf", "size": 5, "sha256": "ab" * 32}],
    "why": {"zh": "据此判定", "en": "decides"},
}  # fmt: skip

WAIVER = {
    "item": "8.1.4.1.a", "subject": "host:node1", "reason": "厂商停止维护", "measure": "只许本地登录",
    "requested_by": "王五", "approved_by": "李四", "expires": "2026-12-31", "state": "valid",
    "why": {"zh": "有效", "en": "valid"},
}  # fmt: skip


def small(report):
    """Return a copy with two layers only, for what takes long."""
    made = copy.deepcopy({key: value for key, value in report.items() if key != "laws"})
    made["layers"] = [one for one in made["layers"] if one["id"] in LAYERS]
    made["items"] = [i for layer in LAYERS for i in _of(made["items"], layer)[:8]]
    kept = {one["id"] for one in made["items"]}
    made["findings"] = [one for one in made["findings"] if one["item"] in kept]
    made["checks"] = [one for one in made["checks"] if kept & {*one["items"]}][:8]
    ran = {one["id"] for one in made["checks"]}
    for one in made["findings"]:
        one["checks"] = [name for name in one["checks"] if name in ran]
    proofs = {sha for one in made["checks"] for sha in one["evidence"]}
    made["evidence"] = {sha: made["evidence"][sha] for sha in sorted(proofs)[:12]}
    made["laws"], made["risks"] = [], made["risks"][:3]
    judged = made["summary"]["judged"]
    judged["layers"] = [one for one in judged["layers"] if one["id"] in LAYERS]
    for layer in made["layers"]:
        held = Counter(i["verdict"] for i in made["items"] if i["layer"] == layer["id"])
        layer["counts"] = {str(verdict): held[verdict] for verdict in WORST_FIRST}
    return made


def _of(items, layer):
    return [one for one in items if one["layer"] == layer]


def hostile(report):
    """Return a copy in which every text that a machine or a stranger may have written is hostile."""
    made = small(report)
    made["site"] = made["node"] = HOSTILE
    for one in made["evidence"].values():
        one |= {"answer": HOSTILE + "A" * 300_000, "asked": HOSTILE, "where": HOSTILE}
    for one in (*made["findings"], *made["checks"]):
        one["reason"] = {"zh": HOSTILE, "en": HOSTILE}
    made["findings"][0]["reason"]["zh"] *= 500
    made["answers"] = [{**ANSWER, "record": HOSTILE * 500, "answered_by": HOSTILE}]
    made["waivers"] = [{**WAIVER, "reason": HOSTILE}]
    rename = f"host:{HOSTILE}"
    for one in (*made["findings"], *made["checks"], *made["subjects"]):
        for key in ("subject", "ref"):
            if str(one.get(key, "")).startswith("hypervisor:"):
                one[key] = rename
    return made
