"""How much of a channel may be used and when: rate, hours of the week, messages of a day."""

from collections.abc import Callable, Iterable
from datetime import datetime

from appliance.clock import read_iso
from network.gateway.channel import Channel, Window
from network.gateway.records import Facts
from network.gateway.refusals import ClosedNow, QuotaUsed, TooFast

_BURST = 10.0  # seconds' worth of messages that may come at once: a short burst is no flood
_DAY = 24 * 60  # minutes


class Rates:
    """One token bucket per channel."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens: dict[str, tuple[float, float]] = {}

    def spend(self, channel: Channel) -> None:
        """Take one message's token; raises `TooFast`."""
        now, per_second = self._clock(), channel.rate / 60
        most = max(1.0, per_second * _BURST)
        held, at = self._tokens.get(channel.id, (most, now))
        held = min(most, held + (now - at) * per_second)
        if held < 1:
            raise TooFast(channel=channel.id)
        self._tokens[channel.id] = (held - 1, now)


def check_open(channel: Channel, local: datetime) -> None:
    """Raise `ClosedNow` when `local`, the wall clock, lies in none of the channel's windows."""
    if not any(_within(window, local) for window in channel.windows):
        raise ClosedNow(channel=channel.id)


def _within(window: Window, local: datetime) -> bool:
    start, end = minutes(window.start), minutes(window.end)
    now, day = local.hour * 60 + local.minute, local.isoweekday()
    if start < end:
        return day in window.days and start <= now < end
    # Over midnight: the window belongs to the day on which it begins.
    before = (day - 2) % 7 + 1
    return (day in window.days and now >= start) or (before in window.days and now < end)


def minutes(told: str) -> int:
    """Return the minute of the day of `HH:MM`, `24:00` being the last; raises `ValueError`."""
    hours, _, rest = told.partition(":")
    if len(hours) != 2 or len(rest) != 2 or not (hours + rest).isdecimal():
        raise ValueError(f"{told} is no HH:MM")
    minute = int(hours) * 60 + int(rest)
    if minute > _DAY or int(rest) > 59:
        raise ValueError(f"{told} is no time of a day")
    return minute


class Daily:
    """Messages of this day per channel, counted over the journal: a restart forgets none."""

    def __init__(self, channels: Iterable[Channel], local: Callable[[], datetime]) -> None:
        self._quotas = {c.id: c.quota for c in channels if c.quota}
        self._local = local
        self._day = local().date() if self._quotas else None
        self._used: dict[str, int] = {}

    def replay(self, facts: Facts) -> None:
        """Count a journaled event, if it is one of today's."""
        if facts.channel not in self._quotas or facts.event not in ("accepted", "request"):
            return
        self._turn()
        if read_iso(facts.at).astimezone(self._local().tzinfo).date() == self._day:
            self._used[facts.channel] = self._used.get(facts.channel, 0) + 1

    def check(self, channel: Channel) -> None:
        """Raise `QuotaUsed` when the channel has had its messages of today."""
        if not channel.quota:
            return
        self._turn()
        if self._used.get(channel.id, 0) >= channel.quota:
            raise QuotaUsed(channel=channel.id, quota=channel.quota)

    def _turn(self) -> None:
        today = self._local().date()
        if today != self._day:
            self._day = today
            self._used.clear()
