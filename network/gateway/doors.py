"""Which channel a request belongs to, whether it is within its rate, and what of it may pass."""

from collections.abc import Callable

from network.gateway.frames import Frame
from network.gateway.policy import Loaded
from network.gateway.protocols import PROTOCOLS, Crossing, Plan
from network.gateway.protocols.base import Wire
from network.gateway.refusals import NoChannel, NoPolicy, TooFast, WrongPeer

_WIRES: dict[str, Wire] = {"MLLP": "mllp", "FILE": "files"}


def wire(ask: Frame) -> Wire:
    """Return the wire on which `ask` came."""
    return _WIRES.get(ask.method, "http")


class Doors:
    """Default deny: a request passes by exactly one channel, or not at all."""

    def __init__(self, loaded: Loaded | None, clock: Callable[[], float]) -> None:
        self._loaded = loaded
        self._clock = clock
        self._tokens: dict[str, tuple[float, float]] = {}
        self.plans = loaded.plans if loaded else {}
        self._by_door: dict[tuple[str, str], list[Plan]] = {}
        for plan in self.plans.values():
            door = (plan.channel.source, PROTOCOLS[plan.channel.protocol].wire)
            self._by_door.setdefault(door, []).append(plan)

    def knows(self, channel: str) -> bool:
        """Whether the policy in force has this channel."""
        return channel in self.plans

    def name(self, side: str, ask: Frame) -> str:
        """Return the id of the channel that `ask` means, or an empty text."""
        found = [p.channel.id for p in self._meant(side, ask) if p.channel.peer == ask.peer]
        return found[0] if found else ""

    def judge(self, side: str, ask: Frame) -> tuple[Plan, Crossing]:
        """Return the channel and what of `ask` may cross; raises a `GatewayRefusal`."""
        if self._loaded is None:
            raise NoPolicy
        meant = self._meant(side, ask)
        if not meant:
            raise NoChannel
        plan = next((p for p in meant if p.channel.peer == ask.peer), None)
        if plan is None:
            raise WrongPeer
        self._spend(plan)
        return plan, plan.ask(ask)

    def _meant(self, side: str, ask: Frame) -> list[Plan]:
        # TODO(core): the listening port, the pinned certificate, windows and quota
        return [p for p in self._by_door.get((side, wire(ask)), ()) if p.match(ask)]

    def _spend(self, plan: Plan) -> None:
        # A token bucket that holds ten seconds' worth: a short burst is no flood.
        channel = plan.channel
        now, per_second = self._clock(), channel.rate / 60
        most = max(1.0, per_second * 10)
        held, at = self._tokens.get(channel.id, (most, now))
        held = min(most, held + (now - at) * per_second)
        if held < 1:
            raise TooFast(channel=channel.id)
        self._tokens[channel.id] = (held - 1, now)
