"""What moved of a setting is shown as lines, not as digests."""

import json

from compliance.differences import compare
from controller.web.facts import moved

ASKED = {"1": "sshd -T", "2": "nft -j list ruleset"}


def report(day, *answers):
    return {
        "started": f"2026-11-{day}T08:00:00+00:00", "seconds": 1.0, "checks": [], "findings": [], "subjects": [],
        "evidence": {
            key: {"asked": ASKED[key], "where": "n0", "status": "answered", "answer": answer}
            for key, answer in zip(ASKED, answers, strict=True)
        },
    }  # fmt: skip


def rules(*texts):
    metainfo = {"metainfo": {"version": "1.1.3"}}
    return json.dumps({"nftables": [metainfo, *({"rule": {"expr": text}} for text in texts)]})


def told(before, after):
    return moved.lines(before, after, compare(before, after))


def test_the_lines_that_changed_are_shown_and_no_others():
    before = report(20, "port 22\npermitrootlogin no\n", rules("a", "b"))
    after = report(21, "port 22\npermitrootlogin yes\n", rules("a", "b", "c"))
    found = told(before, after)
    ssh, nft = found["n0", "sshd -T"], found["n0", "nft -j list ruleset"]
    assert [one for one in ssh if one[0] != "place"] == [
        ("gone", "-permitrootlogin no"), ("added", "+permitrootlogin yes"),
    ]  # fmt: skip
    assert [one for one in nft if one[0] != "place"] == [("added", '+{"rule":{"expr":"c"}}')]


def test_what_did_not_move_has_no_lines_and_much_is_cut():
    before = report(20, "a\n", rules("a"))
    assert told(before, report(21, "a\n", rules("a"))) == {}
    many = "".join(f"x{n}\n" for n in range(500))
    lines = told(before, report(21, many, rules("a")))["n0", "sshd -T"]
    assert len(lines) == moved.MOST + 1
    assert lines[-1] == ("place", "…")
