"""Proofs of a mending: every way in that was open before is still open, and the checks are judged anew."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from appliance import clock
from appliance.errors import BoxError, Failed, Text
from appliance.host import Host, LocalHost
from compliance.asking import Asker
from compliance.checks import CHECKS
from compliance.engine import examine
from compliance.login_probe import REFUSES
from compliance.model import WORST_FIRST, Subject, Verdict
from compliance.remedies.model import Lockout, Remedy
from compliance.run import Order
from compliance.sandbox import PYTHON
from controller.jobs.steps import Say
from controller.workers.fleet import SSH_KEY, Fleet
from controller.workers.mending_node import outside
from controller.workers.site import Site
from hardware.ssh import NodeUnreachable, Place, SshHost

_ALONE = ("unshare", "--mount", "--propagation", "private")
_PATIENCE = 60.0  # seconds for one probe
_TRIES, _PAUSE = 5, 2.0  # a service that was just restarted needs a moment until it answers

Ways = dict[str, str]
"""Way in -> "" where it works, else why not."""


class LockedOut(Failed):
    """A way in that worked before the mending works no more."""

    code = "compliance.locked_out"
    text = Text("整改后无法登录：{ways}", "After the mending nobody gets in by: {ways}")
    hint = Text("已恢复原状；请在任务日志中查看原因。", "All was put back; the job's log says why.")


class CannotProve(Failed):
    """Whether anybody can log in could not be tried: nothing that could lock people out is done."""

    code = "compliance.cannot_prove"
    text = Text("无法核验登录：{why}", "Whether one can log in cannot be tried: {why}")


class NotMended(Failed):
    """The check finds the same as before."""

    code = "compliance.not_mended"
    text = Text("整改后仍不符合：{checks}", "It does not conform after the mending: {checks}")
    hint = Text(
        "已恢复原状；请查看任务日志中的判定理由，由人员处理。",
        "All was put back; the job's log has the reasons: a person must see to it.",
    )


def ways_in(site: Site, node: str, kinds: Collection[str]) -> Ways:
    """Try the ways into the node that these kinds of lock-out (`Lockout`) could close."""
    host = outside(site.node(node).host)
    found: Ways = {}
    if {Lockout.SSH, Lockout.PAM} & set(kinds):
        found |= _probe(host, [PYTHON, "-I", "-m", "compliance.login_probe", "ssh"])
    if Lockout.PAM in kinds:
        found |= _probe(host, [*_ALONE, PYTHON, "-I", "-m", "compliance.login_probe", "pam"])
    if kinds:
        found |= _own(site, node)
    return found


def closed(before: Mapping[str, str], now: Mapping[str, str]) -> Ways:
    """Return the ways that worked before and do not now, with why. Pure."""
    gone = "not tried 未能尝试"
    return {w: now.get(w, gone) for w, why in before.items() if not why and now.get(w, gone)}


def of_undoing(now: Mapping[str, str], mended: Mapping[str, str]) -> Ways:
    """Return the ways that must work after an undoing too: those of now, as found before the mending. Pure.

    Who takes a mending back may get again what let a wrong password in; that nobody gets in, never.
    """
    return {w: why for w, why in now.items() if not (w.endswith(REFUSES) and mended.get(w))}


def judge(site: Site, node: str, remedies: Sequence[Remedy]) -> dict[str, tuple[str, str]]:
    """Judge the remedies' checks on the node now: check -> (verdict, reason)."""
    wanted = {check for one in remedies for check in one.checks}
    asks = Asker(outside(site.node(node).host), node)
    order = Order("", node)
    found = {}
    for check in CHECKS:
        if check.id in wanted:
            subject = Subject(check.kind, order.name(check.kind))
            judged = examine(asks, check, subject).judgement
            found[check.id] = (str(judged.verdict), f"{judged.reason.zh} {judged.reason.en}")
    return found


def judge_until_met(
    site: Site,
    node: str,
    remedies: Sequence[Remedy],
    before: Mapping[str, Sequence[str]],
    say: Say,
) -> dict[str, tuple[str, str]]:
    """Judge, again while something does not conform or cannot be told yet; return the last judgement."""
    found = judge(site, node, remedies)
    for _ in range(_TRIES - 1):
        if not still_open(found) and not unmended(before, found):
            break
        clock.pause(_PAUSE)
        found = judge(site, node, remedies)
    for check, (verdict, reason) in found.items():
        say(f"{check}: {verdict} · {reason}")
    return found


def unmended(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the checks for whose sake all is taken back. Pure.

    Those that got worse, or can no longer be told; where none did and none got better, those that still do
    not conform.
    """
    rank = {str(verdict): at for at, verdict in enumerate(WORST_FIRST)}
    was = {check: before.get(check, now)[0] for check, now in after.items()}
    gain = {check: rank[now] - rank[was[check]] for check, (now, *_) in after.items()}
    dark = str(Verdict.UNKNOWN)
    blind = [check for check, (now, *_) in after.items() if now == dark and was[check] != dark]
    still = still_open(after)
    if worse := blind + [check for check in still if gain[check] < 0]:
        return worse
    return [] if any(step > 0 for step in gain.values()) else still


def still_open(found: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the checks that do not conform. Pure."""
    bad = (Verdict.VIOLATED, Verdict.PARTIAL)
    return [check for check, (verdict, *_) in found.items() if verdict in bad]


def _probe(host: Host, argv: list[str]) -> Ways:
    try:
        return dict(json.loads(host.run(argv, timeout=_PATIENCE).out))
    except NodeUnreachable:
        raise
    except (BoxError, ValueError) as error:
        raise CannotProve(why=str(error)[-300:]) from error


def _own(site: Site, node: str) -> Ways:
    """Open a new connection as the controller does; the home node it reaches without one."""
    if not isinstance(site.nodes, Fleet):
        return {}
    member = next(m for m in site.nodes.members() if m.name == node)
    if member.home or isinstance(site.node(node).host, LocalHost):
        return {}
    place = Place(member.address, "root", site.settings.keys / SSH_KEY, host_key=member.host_key)
    try:
        with SshHost(node, place) as new:
            new.run(["true"])
    except BoxError as error:
        return {"controller": str(error)[:300]}
    return {"controller": ""}


def told(ways: Ways) -> Any:
    """Return the ways in words for the log. Pure."""
    return "; ".join(f"{way}: {why or '✓'}" for way, why in ways.items())
