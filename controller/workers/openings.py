"""What approved modules may do, compiled: flows for the packet filter, channels for the gateway. Pure."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.errors import Conflict, Text
from appliance.sdk.flows import AllowedField
from appliance.sdk.flows import Flow as Declared
from appliance.sdk.manifest import Manifest
from controller.actions.addresses import of_machines
from network import firewall
from network.firewall import Flow
from network.gateway.channel import Channel, Part, Resource
from network.gateway.inspect import Field
from network.gateway.listening import listening
from network.gateway.policy import Policy, check
from network.zones import PLAN, Plan, Zone

# Where the outside world meets a zone: the hospital's own router or proxy has this host number.
_OUTSIDE = 200


class ChannelsDiffer(Conflict):
    """Two modules declare the same channel, but not the same message."""

    code = "module.channels_differ"
    text = Text(
        "模块 {one} 与 {other} 对通道 {channel} 的声明不一致",
        "The modules {one} and {other} do not declare the same channel {channel}",
    )
    hint = Text(
        "请厂商统一两侧清单后重新交付。",
        "The vendors must agree on both manifests and deliver again.",
    )


class ChannelTaken(Conflict):
    """A module declares an end of a channel that another approved module has."""

    code = "module.channel_taken"
    text = Text(
        "通道 {channel} 的同一端已由模块 {one} 占用，模块 {other} 不能再声明",
        "The module {one} has this end of the channel {channel}; {other} cannot have it too",
    )
    hint = Text("请先移除其中一个模块。", "Remove one of the two modules first.")


class AddressOutside(Conflict):
    """A machine's record gives an address that no machine of its zone can have."""

    code = "module.address_outside"
    text = Text(
        "模块 {module} 的地址 {address} 不是其所在区的虚拟机地址",
        "The address {address} of the module {module} is none of a machine in its zone",
    )
    hint = Text(
        "数据库可能被人改动：请通知审计管理员核查。",
        "Somebody may have written into the database: tell the audit administrator.",
    )


class PolicyConflict(Conflict):
    """All that is approved, taken together, is no lawful policy."""

    code = "gateway.policy_conflict"
    text = Text("整体策略不成立：{why}", "The policy as a whole does not hold: {why}")
    hint = Text(
        "请改正所指的通道；同一入口只能属于一个通道。",
        "Correct the channel that is named; one door belongs to one channel only.",
    )


@dataclass(frozen=True)
class Approved:
    """One module whose flows were approved by `approver`; its machine has `address` in its zone.

    `requester` installed it. They are two persons.
    """

    manifest: Manifest
    address: str
    approver: str
    requester: str = ""


@dataclass(frozen=True)
class Whole:
    """Everything that is open: connections for the packet filter, channels for the gateway."""

    flows: tuple[Flow, ...]
    channels: tuple[Channel, ...]


def whole(approved: Sequence[Approved], texts: Sequence[Channel], plan: Plan = PLAN) -> Whole:
    """Return what modules and reviewed texts open together.

    Raises `PolicyConflict` when two channels share an id or a door, or one breaks a law of its
    protocol; `BadInput` when one names an address outside its zone.
    """
    check_addresses(approved, plan)
    ways = (*channels(approved, plan), *texts)
    try:
        check(Policy(version=1, issued="", channels=ways))
        for zone in plan.zones:
            listening(ways, zone.name, plan.port)  # a leg that cannot start stops all of them
    except (ValueError, KeyError) as error:
        raise PolicyConflict(why=str(error)) from error
    opened = [*flows(approved, plan), *(flow for way in texts for flow in ways_of(way, plan))]
    for flow in opened:
        firewall.check(flow, plan)
    return Whole(tuple(_merged(opened)), ways)


def ways_of(channel: Channel, plan: Plan = PLAN) -> tuple[Flow, ...]:
    """Return the connections that a channel of reviewed text needs: to its leg, and on to its target."""
    if channel.protocol == "files":
        return ()
    zones = {zone.name: zone for zone in plan.zones}
    inner, outer = zones["intranet"], zones["extranet"]
    source, target = (outer, inner) if channel.source == "extranet" else (inner, outer)
    host, _, port = channel.address.rpartition(":")
    purpose = f"{channel.id}: {channel.purpose}"
    return (
        Flow(source.name, channel.peer, source.leg_address, channel.listens(plan.port), purpose),
        Flow(target.name, target.leg_address, host, int(port), purpose),
    )


def check_addresses(approved: Iterable[Approved], plan: Plan = PLAN) -> None:
    """Raise `AddressOutside` unless each module has a machine's address of its own, in its own zone.

    The address comes from a row: it must not open a way to the gateway itself, to the hospital's own
    systems, or to another module's machine.
    """
    seen: set[str] = set()
    for module in approved:
        lawful = of_machines(_zone(module, plan).subnet)
        if module.address not in lawful or module.address in seen:
            raise AddressOutside(module=module.manifest.id, address=module.address[:40])
        seen.add(module.address)


@dataclass(frozen=True)
class _End:
    module: Approved
    flow: Declared


def channels(approved: Iterable[Approved], plan: Plan = PLAN) -> tuple[Channel, ...]:
    """Return the channels of which both sides are approved; a lone side opens nothing.

    Raises `ChannelsDiffer` when the two sides do not declare the same message.
    """
    return tuple(_channel(source, target, plan) for source, target in _pairs(approved))


def flows(approved: Sequence[Approved], plan: Plan = PLAN) -> tuple[Flow, ...]:
    """Return the connections to open inside each zone, each to exactly one port of one machine."""
    opened = []
    for source, target in _pairs(approved):
        leg = _zone(source.module, plan).leg_address
        port = _channel(source, target, plan).listens(plan.port)
        opened.append(_flow(source.module, source.flow, source.module.address, leg, port, plan))
        leg = _zone(target.module, plan).leg_address
        opened.append(
            _flow(target.module, target.flow, leg, target.module.address, target.flow.port, plan)
        )
    for module in approved:
        for flow in module.manifest.flows:
            if not flow.crosses and flow.target == "self":
                outside = _outside(_zone(module, plan))
                opened.append(_flow(module, flow, outside, module.address, flow.port, plan))
    return tuple(dict.fromkeys(_merged(opened)))


def _pairs(approved: Iterable[Approved]) -> list[tuple[_End, _End]]:
    sources: dict[str, _End] = {}
    targets: dict[str, _End] = {}
    for module in approved:
        for flow in module.manifest.flows:
            if flow.crosses and flow.channel is not None:
                side = sources if flow.source == "self" else targets
                first = side.setdefault(flow.channel, _End(module, flow))
                if first.flow is not flow:
                    # The later one would take over, unseen, what was approved for the earlier one.
                    raise ChannelTaken(
                        one=first.module.manifest.id,
                        other=module.manifest.id,
                        channel=flow.channel,
                    )
    return [(sources[name], targets[name]) for name in sorted(sources.keys() & targets.keys())]


def _channel(source: _End, target: _End, plan: Plan) -> Channel:
    one, other = source.flow, target.flow
    zones = {end.module.manifest.component.zone for end in (source, target)}
    if len(zones) != 2 or _message(one) != _message(other) or one.channel is None:
        raise ChannelsDiffer(
            one=source.module.manifest.id, other=target.module.manifest.id, channel=one.channel
        )
    inward = _zone(source.module, plan).name == plan.extranet.name
    approvers = dict.fromkeys((source.module.approver, target.module.approver))
    requesters = dict.fromkeys((source.module.requester, target.module.requester))
    return Channel(
        id=one.channel,
        direction="extranet->intranet" if inward else "intranet->extranet",
        lane=one.lane or "request",
        protocol="http-json" if one.protocol == "http" else one.protocol,
        port=_leg_port(one),
        method=one.method or "",
        path=one.path or "",
        peer=source.module.address,
        target=f"{_SCHEMES[one.protocol]}://{target.module.address}:{other.port}",
        data_class=str(max(one.data_class, other.data_class)),
        purpose=f"{one.purpose.zh} {one.purpose.en}",
        approver=", ".join(approvers),
        requester=", ".join(filter(None, requesters)),
        resource=_resource(one),
        query=one.query,
        request=_fields(one.request.fields if one.request else ()),
        response=_fields(one.response.fields if one.response else ()),
        resources=tuple(
            Resource(r.type, r.interactions, r.params, _fields(r.fields), r.whole)
            for r in one.resources
        ),
        types=one.types,
        parts=tuple(Part(p.path, p.required, p.mask, p.carries) for p in one.parts),
        charset=one.charset,
        rate=min(one.rate, other.rate),
    )


_SCHEMES = {"http": "http", "fhir": "http", "hl7v2": "mllp"}


def _leg_port(flow: Declared) -> int:
    """The leg's port that the sender connects to; 0 is the plan's own, for all that is HTTP."""
    return flow.port if flow.protocol == "hl7v2" else 0


def _message(flow: Declared) -> tuple[object, ...]:
    return (
        flow.protocol, flow.method, flow.path, flow.lane, flow.query, flow.request, flow.response,
        flow.resources, flow.types, flow.parts, flow.charset,
    )  # fmt: skip


def _resource(flow: Declared) -> str:
    message = flow.request or flow.response
    return message.resource if message else ""


def _fields(listed: Iterable[AllowedField]) -> tuple[Field, ...]:
    return tuple(
        Field(f.path, f.type, f.required, f.values, f.longest, f.mask, f.carries) for f in listed
    )


def _flow(
    module: Approved, declared: Declared, source: str, destination: str, port: int, plan: Plan
) -> Flow:
    purpose = f"{module.manifest.id}: {declared.purpose.zh}"
    return Flow(_zone(module, plan).name, source, destination, port, purpose)


def _merged(opened: Iterable[Flow]) -> Iterable[Flow]:
    """Keep one of the flows that open the same connection for several purposes."""
    seen: dict[tuple[str, str, int], Flow] = {}
    for flow in opened:
        seen.setdefault((flow.source, flow.destination, flow.port), flow)
    return seen.values()


def _zone(module: Approved, plan: Plan) -> Zone:
    return plan.intranet if module.manifest.component.zone == "intranet" else plan.extranet


def _outside(zone: Zone) -> str:
    return str(ipaddress.IPv4Network(zone.subnet).network_address + _OUTSIDE)
