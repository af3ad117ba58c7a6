"""Which channel a request belongs to, whether it is within its rate, and what of it may pass."""

from collections.abc import Callable
from dataclasses import dataclass

from network.gateway.frames import Frame
from network.gateway.inspect import minimise
from network.gateway.policy import Channel, Loaded, query_anew
from network.gateway.refusals import BodyRefused, NoChannel, NoPolicy, TooFast, WrongPeer


@dataclass(frozen=True)
class Passed:
    """What may cross: its channel, path and query made anew, the minimised body."""

    channel: Channel
    target: str
    body: bytes
    dropped: int


class Doors:
    """Default deny: a request passes by exactly one channel, or not at all."""

    def __init__(self, loaded: Loaded | None, clock: Callable[[], float]) -> None:
        self._loaded = loaded
        self._clock = clock
        self._tokens: dict[str, tuple[float, float]] = {}
        self.channels = loaded.policy.channels if loaded else ()
        self._ids = {channel.id for channel in self.channels}
        self._by_door: dict[tuple[str, str, str], dict[str, Channel]] = {}
        for channel in self.channels:
            door = (channel.source, channel.method, channel.path)
            self._by_door.setdefault(door, {})[channel.peer] = channel

    def knows(self, channel: str) -> bool:
        """Whether the policy in force has this channel."""
        return channel in self._ids

    def name(self, side: str, frame: Frame) -> str:
        """Return the id of the channel that `frame` means, or an empty text."""
        path = frame.target.partition("?")[0]
        found = self._by_door.get((side, frame.method, path), {}).get(frame.peer)
        return found.id if found else ""

    def judge(self, side: str, frame: Frame) -> Passed:
        """Return what of `frame` may cross; raises a `GatewayRefusal`."""
        if self._loaded is None:
            raise NoPolicy
        path, _, query = frame.target.partition("?")
        peers = self._by_door.get((side, frame.method, path))
        if peers is None:
            raise NoChannel
        channel = peers.get(frame.peer)
        if channel is None:
            raise WrongPeer
        self._spend(channel)
        anew = query_anew(channel, query)
        target = f"{path}?{anew}" if anew else path
        if channel.method == "GET":
            if frame.body:
                raise BodyRefused(path="$", why="this channel takes no body")
            return Passed(channel, target, b"", 0)
        shape = self._loaded.shapes[channel.id][0]
        kept = minimise(frame.body, shape, limit=channel.body_limit)
        return Passed(channel, target, kept.body, kept.dropped)

    def _spend(self, channel: Channel) -> None:
        # A token bucket that holds ten seconds' worth: a short burst is no flood.
        now, per_second = self._clock(), channel.rate / 60
        most = max(1.0, per_second * 10)
        held, at = self._tokens.get(channel.id, (most, now))
        held = min(most, held + (now - at) * per_second)
        if held < 1:
            raise TooFast(channel=channel.id)
        self._tokens[channel.id] = (held - 1, now)
