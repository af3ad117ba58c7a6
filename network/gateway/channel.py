"""One allowed way across the gateway, as reviewed text says it, and the laws every channel keeps."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, with_config

from network.gateway.inspect import Field

Direction = Literal["extranet->intranet", "intranet->extranet"]
Lane = Literal["request", "store"]
ProtocolName = Literal["http-json", "fhir", "hl7v2", "files"]
Tls = Literal["none", "tls", "sm"]
"""`tls` is TLS 1.3 with the box's ECDSA certificates, `sm` is RFC 8998 (SM2, SM4-GCM-SM3)."""
Interaction = Literal["read", "search", "create", "transaction"]
Leak = Literal["refuse", "mask", "report"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")  # no segment that starts with a dot
_FINGERPRINT = re.compile(r"([0-9a-f]{64})?")
_SCHEMES = {"http-json": "http", "fhir": "http", "hl7v2": "mllp", "files": "files"}


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Resource:
    """What a FHIR channel allows of one resource type; `whole` lets every R4 element of it pass."""

    type: str
    interactions: tuple[Interaction, ...]
    params: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    whole: bool = False


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Part:
    """What an HL7 v2 channel allows: `path` is `PID-3`, `PID-5.1` or `PID-*`; all else is emptied.

    `mask` names a profile of `masks`; `carries` what personal number may stand there.
    """

    path: str
    required: bool = False
    mask: str = ""
    carries: tuple[str, ...] = ()


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Window:
    """When a channel is open, Beijing time: ISO weekdays (1 is Monday), `HH:MM` to `HH:MM`."""

    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    start: str = "00:00"
    end: str = "24:00"


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Channel:
    """One allowed way across; whatever it does not name is denied.

    `peer` is the sender's IPv4 address, `target` the receiver: `http://<IPv4>:<port>`,
    `mllp://<IPv4>:<port>` or `files://<folder>`. `port` is the leg's listening port (0: the plan's).
    `tls` and `target_tls` say how each edge is ended; `client_cert` and `target_cert` pin the other
    end's certificate (SHA-256, hex). `path` is exact, or the base of a FHIR channel.
    `request`, `response` list the allowed fields of JSON, `resources` of FHIR, `types` and `parts` of
    HL7 v2, `media` of files. `leak` says what happens to a personal number where none is declared; `bulk` allows a Bundle of more
    than 500 resources.
    `rate` counts messages per minute, `quota` per day (0: none), `time_limit` seconds per call,
    `attempts` deliveries before a dead letter, `body_limit` bytes, `queue_limit` messages,
    `replay_hours` how long a message is known again, `retention_days` how long its journal is kept.
    """

    id: str
    direction: Direction
    lane: Lane
    peer: str
    target: str
    data_class: str
    purpose: str
    approver: str
    requester: str = ""
    protocol: ProtocolName = "http-json"
    port: int = 0
    tls: Tls = "none"
    client_cert: str = ""
    target_tls: Tls = "none"
    target_cert: str = ""
    method: Literal["", "GET", "POST"] = ""
    path: str = ""
    query: tuple[str, ...] = ()
    resource: str = ""
    request: tuple[Field, ...] = ()
    response: tuple[Field, ...] = ()
    resources: tuple[Resource, ...] = ()
    types: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    charset: Literal["GB18030", "UTF-8"] = "GB18030"
    media: tuple[str, ...] = ()
    leak: Leak = "refuse"
    bulk: bool = False
    windows: tuple[Window, ...] = ()
    rate: int = 6000
    quota: int = 0
    time_limit: float = 10.0
    attempts: int = 10
    body_limit: int = 262144
    queue_limit: int = 10000
    replay_hours: int = 72
    retention_days: int = 180

    @property
    def source(self) -> str:
        """The zone that may ask."""
        return self.direction.split("->")[0]

    def listens(self, plan_port: int) -> int:
        """The port of the leg on which its sender is heard; 0 for files, which come by a folder."""
        usual = {"http": plan_port, "https": 8443, "mllp": 2575, "mllps": 2576}
        wire = _SCHEMES[self.protocol] + ("" if self.tls == "none" else "s")
        return self.port or usual.get(wire, 0)

    @property
    def address(self) -> str:
        """The receiver as `host:port`, or the folder of a file channel."""
        return urlsplit(self.target).netloc


_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def _lawful(window: Window) -> bool:
    times = _CLOCK.fullmatch(window.start) and _CLOCK.fullmatch(window.end)
    days = set(window.days) <= set(range(1, 8)) and bool(window.days)
    return bool(times) and days and window.start not in (window.end, "24:00")


def check_channel(channel: Channel) -> None:
    """Raise `ValueError` when `channel` breaks a law that holds for every protocol."""
    target = urlsplit(channel.target)
    ipaddress.IPv4Address(channel.peer)
    if channel.protocol != "files":
        ipaddress.IPv4Address(target.hostname or "")
    laws = {
        "its id": _NAME.fullmatch(channel.id) is not None,
        "its path": not channel.path
        or (_PATH.fullmatch(channel.path) is not None and len(channel.path) <= 1024),
        "its target": target.scheme == _SCHEMES[channel.protocol]
        and not target.path
        and (channel.protocol == "files" or bool(target.port)),
        "its port": 0 <= channel.port < 65536,
        "its certificates": bool(
            _FINGERPRINT.fullmatch(channel.client_cert)
            and _FINGERPRINT.fullmatch(channel.target_cert)
        )
        and (not channel.client_cert or channel.tls != "none")
        and (not channel.target_cert or channel.target_tls != "none"),
        "its limits": min(channel.rate, channel.attempts, channel.time_limit, channel.body_limit)
        > 0
        and channel.time_limit <= 3600
        and channel.quota >= 0,
        "its windows": all(map(_lawful, channel.windows)),
        "who approved it": bool(channel.approver and channel.purpose and channel.data_class),
        "two persons": not channel.requester or channel.requester != channel.approver,
    }
    broken = [law for law, kept in laws.items() if not kept]
    if broken:
        raise ValueError(f"channel {channel.id}: {', '.join(broken)}")
