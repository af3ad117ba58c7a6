"""The gateway's policy: channels in one file signed with the box's policy key; default deny."""

from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from appliance.canonical import canonical
from appliance.errors import BadInput, Refused, Text
from appliance.host import write_atomically
from appliance.signing import SigningKey, VerifyKey
from network.gateway.channel import Channel, check_channel
from network.gateway.protocols import PROTOCOLS, Plan
from network.gateway.records import sm3
from network.gateway.sealed import FILE, joined, parted
from network.zones import PLAN


class PolicyInvalid(Refused):
    """The policy file is missing, altered, unsigned or contradicts itself."""

    code = "gateway.policy_invalid"
    text = Text("网关策略无效：{why}", "The gateway's policy is not valid: {why}")
    hint = Text(
        "请由安全管理员重新下发策略。", "The security administrator must issue the policy again."
    )


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Policy:
    """All channels; `version` grows with each issue, `issued` is RFC 3339 UTC."""

    version: int
    issued: str
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """A policy in force with its digest (SM3, hex) and each channel compiled by its protocol."""

    policy: Policy
    digest: str
    plans: dict[str, Plan]


def render(policy: Policy) -> bytes:
    """Return the bytes that are signed."""
    return canonical(asdict(policy))


def sign(policy: Policy, key: SigningKey) -> bytes:
    """Return the signature of `policy`; raises `BadInput` when it contradicts itself."""
    try:
        check(policy)
    except ValueError as error:
        raise BadInput(what="policy", why=str(error)) from error
    return key.sign(render(policy))


def write(folder: Path, policy: Policy, key: SigningKey) -> None:
    """Put the signed policy into `folder`; the gateway reads it at its next start."""
    write_atomically(folder / FILE, joined(sign(policy, key), render(policy)))


def load(folder: Path, key: VerifyKey) -> Loaded:
    """Read and verify the policy in `folder`; raises `PolicyInvalid`, and then everything is denied."""
    try:
        signature, data = parted((folder / FILE).read_bytes())
        key.verify(signature, data, what=FILE)
        policy = TypeAdapter(Policy).validate_json(data)
        plans = check(policy)
    except (OSError, ValidationError, ValueError, Refused) as error:
        raise PolicyInvalid(why=f"{type(error).__name__}: {error}"[:500]) from error
    return Loaded(policy, sm3(data).hex(), plans)


def check(policy: Policy) -> dict[str, Plan]:
    """Return the compiled channels; raises `ValueError` when one breaks a law or two share a door.

    On one port of a leg one wire with one kind of TLS is heard.
    """
    seen: set[tuple[object, ...]] = set()
    ports: dict[tuple[str, int], tuple[str, str]] = {}
    plans: dict[str, Plan] = {}
    for channel in policy.channels:
        check_channel(channel)
        heard = PROTOCOLS[channel.protocol].wire, channel.tls
        if ports.setdefault((channel.source, channel.listens(PLAN.port)), heard) != heard:
            raise ValueError(f"channel {channel.id}: its port is heard in another way already")
        doors = _doors(channel)
        if channel.id in plans or doors & seen:
            raise ValueError(f"channel {channel.id}: another one has its id or its door")
        plans[channel.id] = PROTOCOLS[channel.protocol].plan(channel)
        seen |= doors
    return plans


def _doors(channel: Channel) -> set[tuple[object, ...]]:
    """Return by what the channel is known: no message may mean two of them."""
    place = (
        channel.direction, channel.port, channel.method, channel.path, channel.peer,
        channel.protocol == "files" and channel.id,
    )  # fmt: skip
    return {(*place, kind) for kind in channel.types or ("",)}
