"""What the journal is told of a message, a delivery and a refusal: pure, and never a patient's name."""

from typing import Protocol

from appliance.clock import iso
from network.gateway.channel import Channel
from network.gateway.frames import Frame
from network.gateway.protocols import Crossing, Plan
from network.gateway.records import Event, Facts
from network.gateway.refusals import GatewayRefusal

OTHER = {"extranet": "intranet", "intranet": "extranet"}


def place(ask: Frame) -> str:
    """Return what was asked for, without what may name a patient: query values, file names."""
    if ask.method == "FILE":
        return "/" + ask.target.split("/")[1][:63] if ask.target.startswith("/") else ""
    return ask.target.split("?")[0][:200]


class Message(Protocol):
    """A message on its way: who asked what, by which channel, and what of it may cross."""

    side: str
    ask: Frame
    plan: Plan
    passed: Crossing


def of_message(
    event: Event, policy: str, message: Message, delivery: str, key: str = "", note: str = ""
) -> Facts:
    """Return what is said of a message that was let across.

    Of a stored one `target` is where it will go, as the far side will be asked for it.
    """
    ask, channel, passed = message.ask, message.plan.channel, message.passed
    stored = event == "accepted"
    return Facts(
        event=event,
        at=iso(),
        policy=policy,
        channel=channel.id,
        side=message.side,
        peer=ask.peer,
        method=ask.method,
        target=passed.target.split("?")[0] if stored else place(ask),
        delivery=delivery,
        key=key,
        status=202 if stored else 0,
        dropped=passed.dropped,
        note=note,
        kind=passed.kind[:120],
        data_class=channel.data_class,
        address=channel.address,
        masked=passed.masked,
        inert=passed.inert,
        found=passed.found,
    )


def of_answer(
    policy: str, channel: Channel, passed: Crossing, delivery: str, latency: int
) -> Facts:
    """Return what is said of an answer that was let back; `latency` in ms since it was asked for."""
    return Facts(
        event="answer",
        at=iso(),
        policy=policy,
        channel=channel.id,
        side=OTHER[channel.source],
        peer=channel.address,
        delivery=delivery,
        status=passed.status,
        dropped=passed.dropped,
        kind=passed.kind[:120],
        data_class=channel.data_class,
        address=channel.address,
        latency=latency,
        masked=passed.masked,
        inert=passed.inert,
        found=passed.found,
    )


def of_refusal(
    policy: str, side: str, ask: Frame, refusal: GatewayRefusal, channel: str, delivery: str = ""
) -> Facts:
    """Return what is said of a message that was not let across."""
    return Facts(
        event="refused",
        at=iso(),
        policy=policy,
        channel=channel,
        side=side,
        peer=ask.peer,
        method=ask.method,
        target=place(ask),
        delivery=delivery,
        rule=refusal.code,
        status=refusal.status,
        note=refusal.message.en[:300],
        found=str(refusal.fields.get("found", "")),
    )
