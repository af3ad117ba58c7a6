"""Reads the raw answers of common programs into plain facts; pure, used by the judges."""

import datetime as dt
import ipaddress
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SKEW = 0.01  # days: clocks of nodes differ a little, and an answer takes its time


@dataclass(frozen=True)
class Listener:
    """One listening socket of `ss -H -tuln`."""

    protocol: str
    address: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only the machine itself can reach it."""
        bare = self.address.strip("[]").partition("%")[0]
        try:
            return ipaddress.ip_address(bare).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{self.protocol} {self.address}:{self.port}"


def listeners(out: str) -> list[Listener]:
    """Read `ss -H -tuln`. Raises for other text, and for none: a node that was asked over a network listens."""
    found = []
    for line in out.splitlines():
        protocol, _state, _received, _sent, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        found.append(Listener(protocol, address, int(port)))
    if not found:
        raise ValueError("nobody listens")
    return found


def installed(out: str) -> list[str]:
    """Read `STATUS NAME VERSION` lines of dpkg: what is there, be it wished, held back, or half set up."""
    split = (line.split() for line in out.splitlines())
    return [words[1] for words in split if len(words) > 1 and words[0][1:2] not in ("n", "c", "")]


def options(out: str, comment: str = "#") -> dict[str, str]:
    """Read `key value` or `key = value` lines, keys in lower case; the last one wins."""
    found = {}
    for line in out.splitlines():
        bare = line.partition(comment)[0].strip()
        match = re.match(r"([\w.-]+)\s*[=\s]\s*(.*)", bare)
        if match:
            found[match.group(1).lower()] = match.group(2).strip().strip('"')
        elif bare:
            found[bare.lower()] = ""
    return found


def facts(out: str) -> dict[str, str]:
    """Read `key=value` lines; the first one wins."""
    found: dict[str, str] = {}
    for line in out.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found.setdefault(key.strip(), value.strip())
    return found


def days(now: str, then: str) -> float:
    """Return how many days lie between two RFC 3339 instants; negative when `then` is yet to come."""
    gone = dt.datetime.fromisoformat(now) - dt.datetime.fromisoformat(then)
    return gone.total_seconds() / 86400


def age(now: str, then: str) -> float:
    """Return how many days ago `then` was; endless where it is yet to come: such a date proves nothing of now."""
    gone = days(now, then)
    return gone if gone >= -SKEW else math.inf


def fresh(now: str, out: str, limit: float) -> list[str]:
    """Return the paths in `%T@ %p` lines of `find` whose age at `now` is within `limit` days; none of the future."""
    at = dt.datetime.fromisoformat(now).timestamp()
    found = (line.partition(" ") for line in out.splitlines())
    return [
        path for stamp, _, path in found if path and -SKEW <= (at - float(stamp)) / 86400 <= limit
    ]


def held(value: object) -> Any:
    """Return what a JSON column holds: one database hands it out as text, the other as it is."""
    return json.loads(value) if isinstance(value, str) else value


def http_status(out: str) -> int:
    """Return the status of an HTTP answer that begins with its status line, 0 when it is none."""
    words = out.split(maxsplit=2)
    return int(words[1]) if len(words) > 1 and words[0].startswith("HTTP/") else 0


def number(text: str | None) -> int | None:
    """Return `text` as an integer, or None when it is none."""
    try:
        return int(text or "")
    except ValueError:
        return None


@dataclass(frozen=True)
class Mode:
    """One line of `%m %u %g %p` (find) or `%a %U %G %n` (stat)."""

    bits: int
    user: str
    group: str
    path: str


def modes(out: str) -> list[Mode]:
    """Read mode lines; anything else is left out."""
    found = []
    for line in out.splitlines():
        match = re.match(r"([0-7]{3,4}) (\S+) (\S+) (/.*)$", line)
        if match:
            found.append(Mode(int(match[1], 8), match[2], match[3], match[4]))
    return found


def peers(out: str) -> list[str]:
    """Read the addresses of the box's other nodes from its fabric file; without one there is none."""
    return [str(one) for one in json.loads(out)["peers"]] if out.strip() else []


def rows(out: str) -> list[dict[str, Any]]:
    """Read rows of `compliance.records`. Raises for other text, and for none at all."""
    loaded = json.loads(out)
    if not isinstance(loaded, list):
        raise TypeError("not a list of rows")
    return loaded


@dataclass(frozen=True)
class NftRule:
    """One rule of a ruleset with its chain's place. `fields` are what it matches on, e.g. `iifname`."""

    family: str
    table: str
    chain: str
    fields: frozenset[str]
    accepts: bool
    ports: frozenset[int]
    text: str


@dataclass(frozen=True)
class NftChain:
    """One base chain."""

    family: str
    table: str
    name: str
    hook: str
    policy: str


@dataclass(frozen=True)
class Ruleset:
    """What `nft -j list ruleset` said."""

    chains: tuple[NftChain, ...]
    rules: tuple[NftRule, ...]

    def hooked(self, hook: str, *families: str) -> list[NftChain]:
        """Base chains at `hook` in `families`."""
        return [c for c in self.chains if c.hook == hook and c.family in families]

    def of(self, chain: NftChain) -> list[NftRule]:
        """Rules of one chain (chains jumped to are not followed)."""
        place = (chain.family, chain.table, chain.name)
        return [r for r in self.rules if (r.family, r.table, r.chain) == place]


def ruleset(out: str) -> Ruleset:
    """Read `nft -j list ruleset`; raises `ValueError` when it is not that."""
    chains, rules = [], []
    for entry in json.loads(out)["nftables"]:
        if "chain" in entry and "hook" in entry["chain"]:
            c = entry["chain"]
            chains.append(
                NftChain(c["family"], c["table"], c["name"], c["hook"], c.get("policy", "accept"))
            )
        elif "rule" in entry:
            rules.append(_rule(entry["rule"]))
    return Ruleset(tuple(chains), tuple(rules))


def _rule(raw: dict[str, Any]) -> NftRule:
    expressions = raw.get("expr", [])
    fields: set[str] = set()
    ports: set[int] = set()
    for expression in expressions:
        match = expression.get("match")
        if match:
            named = set(_names(match["left"]))
            fields |= named
            if "dport" in named:
                ports |= set(_numbers(match["right"]))
    accepts = any(
        "accept" in one or '"accept"' in json.dumps(one.get("vmap", "")) for one in expressions
    )
    text = json.dumps(expressions, sort_keys=True)
    return NftRule(
        raw["family"],
        raw["table"],
        raw["chain"],
        frozenset(fields),
        accepts,
        frozenset(ports),
        text,
    )


def _names(left: object) -> Iterator[str]:
    """Name what a match looks at: `meta iifname`, `payload tcp dport`, `ct state`."""
    if not isinstance(left, dict):
        return
    for kind, body in left.items():
        if kind == "concat":
            for part in body:
                yield from _names(part)
        elif isinstance(body, dict):
            if "protocol" in body:
                yield str(body["protocol"])
            yield str(body.get("key") or body.get("field") or kind)


def _numbers(right: object) -> Iterator[int]:
    if isinstance(right, int):
        yield right
    elif isinstance(right, list):
        for one in right:
            yield from _numbers(one)
    elif isinstance(right, dict):
        for key in ("set", "concat"):
            yield from _numbers(right.get(key))
        ends = list(_numbers(right.get("range")))
        yield from range(ends[0], ends[-1] + 1) if ends else ()
