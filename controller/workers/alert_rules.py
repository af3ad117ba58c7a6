"""The rules of supervision: each looks at the records and the box and says what wants a person now."""

import datetime as dt
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import clock
from controller.records import gateway, traffic
from controller.records.exchange import GatewayMinute, Proof, Transfer
from controller.workers.guards import Guards

Figures = dict[str, str | int]


@dataclass(frozen=True)
class Limits:
    """When a rule speaks. Minutes, unless the name says otherwise."""

    queue_old: int = 5
    refusals: int = 30  # of one peer within a minute
    silent: int = 30  # never sooner, however regular a channel is
    recent: int = 10
    proof_hours: int = 26  # the nightly proof may take its time
    head: int = 10
    disk_warn: float = 0.10  # free part of the journal's disk
    disk_bad: float = 0.02
    certificate_days: int = 30


@dataclass(frozen=True)
class View:
    """What the rules look at: one snapshot of the records, and what the worker saw of the box.

    `free` is (free, all) bytes of the journal's disk, `sealed` when the newest head was signed and up to
    which record; None where there is none.
    """

    session: Session
    now: dt.datetime
    free: tuple[int, int]
    sealed: tuple[int, str] | None
    certificates: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)
    guards: Guards = field(default_factory=Guards)

    def before(self, **parts: float) -> str:
        """Return the instant that long ago, as the records keep it."""
        return clock.iso(self.now - dt.timedelta(**parts))

    def minutes_since(self, instant: str) -> int:
        """Return how many whole minutes ago `instant` was."""
        return int((self.now - dt.datetime.fromisoformat(instant)).total_seconds() // 60)


@dataclass(frozen=True)
class Finding:
    """One thing that wants a person; `evidence` is the newest transfer it rests on (0: none)."""

    rule: str
    subject: str
    tone: str
    figures: Figures
    evidence: int = 0


Rule = Callable[[View], Iterator[Finding]]


def dead_letter(view: View) -> Iterator[Finding]:
    """A stored message could not be delivered and nobody has settled it."""
    query = select(Transfer.channel, func.count(), func.max(Transfer.number)).where(
        Transfer.state == "dead"
    )
    for channel, number, newest in view.session.execute(query.group_by(Transfer.channel)):
        yield Finding("dead_letter", channel, "bad", {"number": number}, newest)


def queue_old(view: View) -> Iterator[Finding]:
    """The oldest stored message of a channel waits too long; a paused channel is meant to wait."""
    paused = gateway.paused(view.session)
    for channel, number, oldest in traffic.waiting(view.session):
        minutes = view.minutes_since(oldest)
        if minutes >= view.limits.queue_old and channel not in paused:
            yield Finding("queue_old", channel, "warn", {"number": number, "minutes": minutes})


def refusals(view: View) -> Iterator[Finding]:
    """One peer was refused very often within one of the last minutes."""
    total, newest = func.sum(Transfer.count), func.max(Transfer.number)
    minute = func.substr(Transfer.at, 1, 16)
    query = select(Transfer.peer, minute, Transfer.rule, total, newest).where(
        Transfer.verdict == "refused",
        Transfer.at >= view.before(minutes=view.limits.recent),
        Transfer.peer != "",
    )
    counted: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    last: dict[str, int] = {}
    for peer, when, rule, number, at in view.session.execute(
        query.group_by(Transfer.peer, minute, Transfer.rule)
    ):
        counted[peer][when][rule] += int(number)
        last[peer] = max(at, last.get(peer, 0))
    for peer, minutes in counted.items():
        worst = max(minutes.values(), key=lambda rules: rules.total())
        if worst.total() > view.limits.refusals:
            figures: Figures = {"number": worst.total(), "most": worst.most_common(1)[0][0]}
            yield Finding("refusals", peer, "warn", figures, last[peer])


def personal_number(view: View) -> Iterator[Finding]:
    """A personal number stood where none is declared."""
    query = select(
        Transfer.channel,
        func.sum(Transfer.count),
        func.max(Transfer.found),
        func.max(Transfer.number),
    ).where(
        Transfer.at >= view.before(hours=24),
        (Transfer.found != "") | (Transfer.rule == "gateway.personal_number"),
    )
    for channel, number, found, newest in view.session.execute(query.group_by(Transfer.channel)):
        figures: Figures = {"number": int(number), "most": found or "–"}
        yield Finding("personal_number", channel, "warn", figures, newest)


def malware(view: View) -> Iterator[Finding]:
    """The scanner stopped a file."""
    query = select(
        Transfer.channel,
        func.sum(Transfer.count),
        func.max(Transfer.note),
        func.max(Transfer.number),
    ).where(Transfer.rule == "gateway.malware", Transfer.at >= view.before(hours=24))
    for channel, number, note, newest in view.session.execute(query.group_by(Transfer.channel)):
        figures: Figures = {"number": int(number), "most": (note or "–")[:120]}
        yield Finding("malware", channel, "bad", figures, newest)


def scanner_away(view: View) -> Iterator[Finding]:
    """Files are refused because nobody could scan them."""
    minutes = view.limits.recent
    query = select(func.sum(Transfer.count)).where(
        Transfer.rule == "gateway.scanner_away", Transfer.at >= view.before(minutes=minutes)
    )
    number = view.session.scalar(query)
    if number:
        yield Finding("scanner_away", "", "bad", {"number": int(number), "minutes": minutes})


def silent(view: View) -> Iterator[Finding]:
    """A channel that speaks often has been quiet for far longer than is usual for it."""
    paused = gateway.paused(view.session)
    channels = select(Transfer.channel).where(
        Transfer.at >= view.before(days=7), Transfer.verdict == "allowed"
    )
    for channel in view.session.scalars(channels.distinct()):
        usual, minutes = _rhythm(view, channel)
        if usual is not None and minutes > usual and channel not in paused:
            yield Finding("silent", channel, "warn", {"minutes": minutes, "usual": usual})


_ENOUGH = 50  # messages from which a rhythm can be told
_LOOKED_AT = 1000


def _rhythm(view: View, channel: str) -> tuple[int | None, int]:
    """Return how many minutes of silence would be unusual, and how long it is quiet now."""
    query = select(Transfer.at).where(
        Transfer.channel == channel,
        Transfer.verdict == "allowed",
        Transfer.at >= view.before(days=7),
    )
    recent = query.order_by(Transfer.number.desc()).limit(_LOOKED_AT)
    times = [dt.datetime.fromisoformat(at) for at in view.session.scalars(recent)]
    if len(times) < _ENOUGH:
        return None, 0
    gaps = sorted(
        (later - earlier).total_seconds() / 60 for later, earlier in itertools.pairwise(times)
    )
    # Nights are long gaps too: the longest ones seen count as usual, twice the 98th percentile does.
    usual = max(view.limits.silent, int(2 * gaps[int(0.98 * len(gaps))]), int(gaps[-1]))
    return usual, int((view.now - times[0]).total_seconds() // 60)


def journal_full(view: View) -> Iterator[Finding]:
    """The journal's disk is nearly full, or the gateway already refuses for it."""
    free, whole = view.free
    refused = select(func.count()).where(
        Transfer.rule == "gateway.journal_full",
        Transfer.at >= view.before(minutes=view.limits.recent),
    )
    full = bool(view.session.scalar(refused)) or free < whole * view.limits.disk_bad
    if full or free < whole * view.limits.disk_warn:
        yield Finding("journal_full", "", "bad" if full else "warn", {"free": free >> 20})


def journal_broken(view: View) -> Iterator[Finding]:
    """The index met a record that does not follow from the one before it."""
    row = gateway.index_of(view.session)
    if row is not None and row.broken:
        yield Finding("journal_broken", "", "bad", {"most": row.broken})


def proof(view: View) -> Iterator[Finding]:
    """The prover found a way, or has not run for more than a day."""
    row = view.session.scalar(select(Proof).order_by(Proof.at.desc()).limit(1))
    if row is None:
        return
    if row.open_ways:
        yield Finding("proof_open", "", "bad", {"number": row.open_ways})
    hours = view.minutes_since(row.at) // 60
    if hours >= view.limits.proof_hours:
        yield Finding("proof_old", "", "warn", {"hours": hours})


def head_unsealed(view: View) -> Iterator[Finding]:
    """The journal grew, and its head was not signed for a while."""
    row = gateway.index_of(view.session)
    if row is None or row.number == 0:
        return
    number, at = view.sealed or (0, row.at)
    minutes = view.minutes_since(at)
    if row.number > number and minutes >= view.limits.head:
        yield Finding("head_unsealed", "", "warn", {"minutes": minutes})


def certificate(view: View) -> Iterator[Finding]:
    """A certificate of the box ends soon."""
    for path in view.certificates:
        try:
            held = x509.load_pem_x509_certificate(path.read_bytes())
            days = (held.not_valid_after_utc - view.now).days
        except (OSError, ValueError):
            continue  # a file that is being replaced is looked at again next time
        if days < view.limits.certificate_days:
            tone = "bad" if days < 7 else "warn"
            yield Finding("certificate", path.name, tone, {"days": days})


def paused(view: View) -> Iterator[Finding]:
    """An operator paused a channel: what comes for it waits until somebody resumes it."""
    queued = {name: number for name, number, _ in traffic.waiting(view.session)}
    for channel in sorted(gateway.paused(view.session)):
        yield Finding("paused", channel, "warn", {"number": queued.get(channel, 0)})


def gateway_down(view: View) -> Iterator[Finding]:
    """The last two looks, half a minute and more apart, found no gateway running."""
    query = select(GatewayMinute).order_by(GatewayMinute.minute.desc()).limit(2)
    last = list(view.session.scalars(query))
    if len(last) == 2 and not any(row.alive for row in last):
        yield Finding("gateway_down", "", "bad", {})


def intrusion(view: View) -> Iterator[Finding]:
    """The intrusion detector raised alarms about one source within the last hour."""
    for one in view.guards.intrusions:
        yield Finding("intrusion", one.source, "warn", {"number": one.number, "most": one.most})


def files_changed(view: View) -> Iterator[Finding]:
    """The last look at the node's files found some that are not as they were."""
    if view.guards.changed:
        yield Finding("files_changed", "", "bad", {"number": view.guards.changed})


def log_room(view: View) -> Iterator[Finding]:
    """The log store will run out of room before its time is over."""
    if not view.guards.room:
        yield Finding("log_room", "", "warn", {"free": view.guards.missing})


RULES: tuple[Rule, ...] = (
    dead_letter,
    queue_old,
    refusals,
    personal_number,
    malware,
    scanner_away,
    silent,
    journal_full,
    journal_broken,
    proof,
    head_unsealed,
    certificate,
    paused,
    gateway_down,
    intrusion,
    files_changed,
    log_room,
)
