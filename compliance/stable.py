"""What of a run stays the same while nobody changes anything: settings among the answers, and reasons.

Only answers that are settings are compared word for word, by the table below. Everything else a machine
says (processes, sockets, counters, records, logs) moves by itself and counts only through its check's
verdict and reason. Times, process ids and measured amounts in a reason are masked.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from appliance.canonical import canonical, digest
from compliance.evidence import STDERR

Part = Mapping[str, Any]

_MOVING = {"handle", "packets", "bytes", "metainfo", "expires", "used"}


def _as_it_is(out: str) -> str:
    return out.strip()


def _sorted(out: str) -> str:
    """A listing whose order means nothing."""
    return "\n".join(sorted(line.rstrip() for line in out.splitlines() if line.strip()))


def _rules(out: str) -> str:
    """Packet filter rules without counters, handles and elements that expire by themselves."""
    return canonical(_still(json.loads(out))).decode()


def _still(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _still(v) for k, v in value.items() if k not in _MOVING}
    if isinstance(value, list):
        return [_still(one) for one in value if not _expires(one)]
    return value


def _expires(element: Any) -> bool:
    inner = element.get("elem") if isinstance(element, dict) else None
    return isinstance(inner, dict) and "timeout" in inner


# The first that matches the question's text decides.
_SETTINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (r"cat '?/etc/", _as_it_is),
    (r"cat /proc/sys/", _as_it_is),
    (r"cat /var/lib/hbox/(keys/\S+\.pub|gateway/policy\.signed)$", _as_it_is),
    (r"sysctl ", _sorted),
    (r"sshd -T", _sorted),
    (r"sh -c 'cat /etc/", _as_it_is),
    (r"grep -\S+ \S+ /etc/", _sorted),
    (r"systemd-analyze cat-config ", _as_it_is),
    (r"getent (passwd|group)", _sorted),
    (r"awk .* /etc/shadow$", _sorted),
    (r"dpkg-query ", _sorted),
    (r"stat -c '%a %U %G %n' /etc/", _sorted),
    (r"find /etc/.* -printf '%m", _sorted),
    (r"auditctl -l", _as_it_is),
    (r"cvtsudoers ", _as_it_is),
    (r"nft -j list ruleset", _rules),
    (r".* .SELECT name, role[^']* FROM accounts ORDER BY name.$", _sorted),
)

_MASKED = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?"
    r"|\bpid \d+"
    r"|\d+([.,]\d+)?\s*(%|ms\b|s\b|[KMGT]i?B\b|bytes?\b|seconds?\b|minutes?\b|hours?\b|days?\b"
    r"|entries\b|字节|秒|分钟|小时|天|条|毫秒)"
)


def setting(proof: Part) -> str | None:
    """Return the digest of an answer that is a setting, None for what moves by itself or gave no answer."""
    held = _held(proof)
    return None if held is None else digest(f"{proof['status']}\n{held}".encode())


def lines(proof: Part) -> list[str]:
    """Return what `setting` makes the digest of, line by line for people; of the packet filter a rule each."""
    held = _held(proof) or ""
    if held.startswith("{") and "nftables" in (read := json.loads(held)):
        return [canonical(one).decode() for one in read["nftables"] if one]
    return held.splitlines()


def _held(proof: Part) -> str | None:
    if proof["status"] == "unanswered":
        return None
    form = next((form for asked, form in _SETTINGS if re.match(asked, proof["asked"])), None)
    if form is None:
        return None
    try:
        return form(proof["answer"].partition(STDERR)[0])
    except ValueError:
        return None  # not in the form it is expected in: its check says so


def reason(text: str) -> str:
    """Return a check's reason without what moves by itself, its faults in a fixed order."""
    return "；".join(sorted(_MASKED.sub("~", text).split("；")))
