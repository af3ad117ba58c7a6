"""Which channel a message belongs to, whether it may come now, and what of it may pass."""

from collections.abc import Callable
from datetime import datetime

from appliance import clock as box_clock
from network.gateway.frames import Frame
from network.gateway.limits import Rates, check_open
from network.gateway.policy import Loaded
from network.gateway.protocols import PROTOCOLS, Crossing, Plan
from network.gateway.protocols.base import Wire
from network.gateway.refusals import NoChannel, NoPolicy, WrongCertificate, WrongPeer
from network.zones import PLAN

_WIRES: dict[str, Wire] = {"MLLP": "mllp", "FILE": "files"}


def wire(ask: Frame) -> Wire:
    """Return the wire on which `ask` came."""
    return _WIRES.get(ask.method, "http")


class Doors:
    """Default deny: a message passes by exactly one channel, or not at all.

    `clock` is monotonic, `local` the box's wall clock; `port` is the plan's, for channels and legs
    that name none. It knows nothing of the journal.
    """

    def __init__(
        self,
        loaded: Loaded | None,
        clock: Callable[[], float],
        *,
        local: Callable[[], datetime] = box_clock.local,
        port: int = PLAN.port,
    ) -> None:
        self._loaded = loaded
        self._local = local
        self._port = port
        self._rates = Rates(clock)
        self.plans: dict[str, Plan] = loaded.plans if loaded else {}
        self._by_sender: dict[tuple[str, Wire, int, str], list[Plan]] = {}
        self._by_door: dict[tuple[str, Wire, int], list[Plan]] = {}
        for plan in self.plans.values():
            channel = plan.channel
            door = (channel.source, PROTOCOLS[channel.protocol].wire, channel.listens(port))
            # A file comes by its channel's own folder, not from an address.
            peer = "" if channel.protocol == "files" else channel.peer
            self._by_door.setdefault(door, []).append(plan)
            self._by_sender.setdefault((*door, peer), []).append(plan)

    def knows(self, channel: str) -> bool:
        """Whether the policy in force has this channel."""
        return channel in self.plans

    def judge(self, side: str, ask: Frame) -> tuple[Plan, Crossing]:
        """Return the channel and what of `ask` may cross; raises a `GatewayRefusal`."""
        plan = self.find(side, ask)
        self.admit(plan)
        return plan, plan.ask(ask)

    def find(self, side: str, ask: Frame) -> Plan:
        """Return the channel that `ask` means and its sender may use; raises a `GatewayRefusal`."""
        if self._loaded is None:
            raise NoPolicy
        kind = wire(ask)
        door = (side, kind, 0 if kind == "files" else ask.port or self._port)
        peer = "" if kind == "files" else ask.peer
        for plan in self._by_sender.get((*door, peer), ()):
            if plan.match(ask):
                if plan.channel.client_cert and plan.channel.client_cert != ask.secure:
                    raise WrongCertificate
                return plan
        if any(plan.match(ask) for plan in self._by_door.get(door, ())):
            raise WrongPeer
        raise NoChannel

    def admit(self, plan: Plan) -> None:
        """Hold a message against the channel's hours and rate; raises a `GatewayRefusal`."""
        if plan.channel.windows:
            check_open(plan.channel, self._local())
        self._rates.spend(plan.channel)
