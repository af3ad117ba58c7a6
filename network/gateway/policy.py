"""The gateway's policy: channels in a file signed with the box's policy key; default deny."""

import ipaddress
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from appliance.canonical import canonical
from appliance.errors import BadInput, Refused, Text
from appliance.host import write_atomically
from appliance.signing import SigningKey, VerifyKey
from network.gateway.inspect import Field, Node, compiled
from network.gateway.records import sm3
from network.gateway.refusals import QueryRefused

FILE, SIGNATURE = "policy.json", "policy.sig"
Direction = Literal["extranet->intranet", "intranet->extranet"]
Lane = Literal["request", "store"]
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")  # no segment that starts with a dot


class PolicyInvalid(Refused):
    """The policy file is missing, altered, unsigned or contradicts itself."""

    code = "gateway.policy_invalid"
    text = Text("网关策略无效：{why}", "The gateway's policy is not valid: {why}")
    hint = Text(
        "请由安全管理员重新下发策略。", "The security administrator must issue the policy again."
    )


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Channel:
    """One allowed way across; whatever it does not name is denied.

    `peer` is the sender's IPv4 address, `target` the receiver as `http://<IPv4>:<port>`, `path` exact.
    `request` and `response` list the allowed fields (a request without a body has none). `rate` counts
    messages per minute, `time_limit` seconds per call, `attempts` deliveries before a dead letter,
    `body_limit` bytes, `queue_limit` messages.
    """

    id: str
    direction: Direction
    lane: Lane
    method: Literal["GET", "POST"]
    path: str
    peer: str
    target: str
    data_class: str
    purpose: str
    approver: str
    protocol: Literal["http-json"] = "http-json"
    resource: str = ""
    query: tuple[str, ...] = ()
    request: tuple[Field, ...] = ()
    response: tuple[Field, ...] = ()
    rate: int = 6000
    time_limit: float = 10.0
    attempts: int = 10
    body_limit: int = 262144
    queue_limit: int = 10000

    @property
    def source(self) -> str:
        """The zone that may ask."""
        return self.direction.split("->")[0]

    @property
    def address(self) -> str:
        """The receiver as `host:port`."""
        return urlsplit(self.target).netloc


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Policy:
    """All channels; `version` grows with each issue, `issued` is RFC 3339 UTC."""

    version: int
    issued: str
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """A policy in force with its digest (SM3, hex) and the compiled trees of each channel."""

    policy: Policy
    digest: str
    shapes: dict[str, tuple[Node, Node]]


def render(policy: Policy) -> bytes:
    """Return the bytes that are signed."""
    return canonical(asdict(policy))


def sign(policy: Policy, key: SigningKey) -> bytes:
    """Return the signature of `policy` as hex; raises `BadInput` when it contradicts itself."""
    try:
        check(policy)
    except ValueError as error:
        raise BadInput(what="policy", why=str(error)) from error
    return key.sign(render(policy)).hex().encode()


def write(folder: Path, policy: Policy, key: SigningKey) -> None:
    """Put the signed policy into `folder`; the gateway reads it at its next start."""
    signature = sign(policy, key)
    write_atomically(folder / FILE, render(policy))
    write_atomically(folder / SIGNATURE, signature)


def load(folder: Path, key: VerifyKey) -> Loaded:
    """Read and verify the policy in `folder`; raises `PolicyInvalid`, and then everything is denied."""
    try:
        data = (folder / FILE).read_bytes()
        signature = bytes.fromhex((folder / SIGNATURE).read_text("ascii").strip())
        key.verify(signature, data, what=FILE)
        policy = TypeAdapter(Policy).validate_json(data)
        check(policy)
    except (OSError, ValidationError, ValueError, Refused) as error:
        raise PolicyInvalid(why=f"{type(error).__name__}: {error}"[:500]) from error
    shapes = {c.id: (compiled(c.request), compiled(c.response)) for c in policy.channels}
    return Loaded(policy, sm3(data).hex(), shapes)


def check(policy: Policy) -> None:
    """Raise `ValueError` when a channel is not one, or two channels would answer the same request."""
    seen: set[tuple[str, str, str, str]] = set()
    ids: set[str] = set()
    for channel in policy.channels:
        _check_channel(channel)
        door = (channel.direction, channel.method, channel.path, channel.peer)
        if channel.id in ids or door in seen:
            raise ValueError(f"channel {channel.id}: another one has its id or its door")
        ids.add(channel.id)
        seen.add(door)


def _check_channel(channel: Channel) -> None:
    target = urlsplit(channel.target)
    ipaddress.IPv4Address(channel.peer)
    ipaddress.IPv4Address(target.hostname or "")
    laws = {
        "its id": _NAME.fullmatch(channel.id) is not None,
        "its path": _PATH.fullmatch(channel.path) is not None and len(channel.path) <= 1024,
        "its target": target.scheme == "http" and bool(target.port) and not target.path,
        "its limits": min(channel.rate, channel.attempts, channel.time_limit) > 0,
        "a store lane takes POST and has no response": channel.lane == "request"
        or (channel.method == "POST" and not channel.response),
        "GET has no body": channel.method == "POST" or not channel.request,
        "POST needs fields": channel.method == "GET" or bool(channel.request),
        "a request lane needs response fields": channel.lane == "store" or bool(channel.response),
        "a field that pins its resource": not channel.resource or _pinned(channel),
        "who approved it": bool(channel.approver and channel.purpose and channel.data_class),
    }
    broken = [law for law, kept in laws.items() if not kept]
    if broken:
        raise ValueError(f"channel {channel.id}: {', '.join(broken)}")
    compiled(channel.request)
    compiled(channel.response)


def _pinned(channel: Channel) -> bool:
    fields = channel.request or channel.response
    return any(
        f.path == "resourceType" and f.required and f.values == (channel.resource,) for f in fields
    )


_QUERY_LIMIT = (
    2048  # characters; written anew a query may be three times as long, and no frame holds it
)
_VALUE = re.compile(r"[ -~\u4e00-\u9fff]{0,128}")


def query_anew(channel: Channel, query: str) -> str:
    """Return the query string made anew from allowed parameters; raises `QueryRefused`."""
    if not query:
        return ""
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=16
        )
    except ValueError as error:
        raise QueryRefused(name=query[:40]) from error
    for name, value in pairs:
        if name not in channel.query or not _VALUE.fullmatch(value):
            raise QueryRefused(name=name[:40])
    anew = urlencode(pairs)
    if len(anew) > _QUERY_LIMIT:
        raise QueryRefused(name="over its bound")
    return anew
