"""What a filter lets through, rule by rule: the rules that a chain leads to, and what each is really limited to. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from compliance.answers import NftChain, NftRule, Ruleset

KNOWN = frozenset(("established", "related"))
"""States of a connection that another rule let begin."""


def reached(rules: Ruleset, chain: NftChain) -> list[NftRule]:
    """Return the rules of a base chain and of every chain that it jumps to, each chain once."""
    found, waiting, seen = list[NftRule](), [chain.name], {chain.name}
    while waiting:
        name = waiting.pop(0)
        own = rules.of(NftChain(chain.family, chain.table, name, "", ""))
        found += own
        new = [one for rule in own for one in _targets(json.loads(rule.text)) if one not in seen]
        waiting += dict.fromkeys(new)
        seen |= set(new)
    return found


def limits(rule: NftRule) -> dict[str, list[Any]]:
    """Return by field what it must be for the rule to hold: no `!=`, no prefix that takes in everything."""
    found: dict[str, list[Any]] = {}
    for expression in json.loads(rule.text):
        match = expression.get("match", {})
        right = match.get("right")
        if match.get("op") in ("==", "in") and not _everything(right):
            for name in _fields(match["left"]):
                found.setdefault(name, []).extend(_members(right))
    return found


def answering(rule: NftRule) -> bool:
    """Whether it lets through only what belongs to a connection that another rule let begin."""
    state = limits(rule).get("state", [])
    return bool(state) and set(map(str, state)) <= KNOWN


def jumps(rule: NftRule) -> bool:
    """Whether it leads on to another chain, which may let through what this one does not."""
    return bool(list(_targets(json.loads(rule.text))))


def drops(rule: NftRule) -> bool:
    """Whether what fits it ends there."""
    return any("drop" in expression for expression in json.loads(rule.text))


def _targets(part: Any) -> Iterator[str]:
    """Yield the chains that `jump` and `goto` name, also those inside of a map of verdicts."""
    if isinstance(part, dict):
        for key, body in part.items():
            if key in ("jump", "goto") and isinstance(body, dict):
                yield str(body.get("target", ""))
            else:
                yield from _targets(body)
    elif isinstance(part, list):
        for one in part:
            yield from _targets(one)


def _everything(right: Any) -> bool:
    return any(
        isinstance(one, dict) and one.get("prefix", {}).get("len") == 0 for one in _members(right)
    )


def _members(right: Any) -> list[Any]:
    if isinstance(right, dict) and "set" in right:
        held = right["set"]
        return held if isinstance(held, list) else [held]
    return right if isinstance(right, list) else [right]


def _fields(left: Any) -> Iterator[str]:
    for kind, body in left.items() if isinstance(left, dict) else ():
        if kind == "concat":
            for part in body:
                yield from _fields(part)
        elif isinstance(body, dict):
            yield str(body.get("key") or body.get("field") or kind)
