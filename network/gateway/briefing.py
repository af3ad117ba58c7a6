"""What each process of the gateway is started with: arguments, environment, and secrets apart from both."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BoxError
from appliance.signing import VerifyKey
from network.gateway import certificates, listening, policy
from network.gateway.layout import SIDES, Layout

_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


@dataclass(frozen=True)
class Brief:
    """For one process: `secrets` is a JSON object that goes through a pipe, never into /proc."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    secrets: bytes


def brief(layout: Layout, name: str, first: int, ends: int) -> Brief:
    """Return what `name` is told; its pipe ends have the numbers from `first`, then come the secrets."""
    numbers = [str(number) for number in range(first, first + ends + 1)]
    named = [f"{argument}={number}" for argument, number in zip(_ends(name), numbers, strict=True)]
    environment = dict(_ENVIRONMENT)
    if name == "guard":
        named += [f"--folder={layout.folder}", f"--port={layout.plan.port}"]
        environment["HBOX_POLICY_KEY"] = _text(layout.policy_key)
        secrets: Mapping[str, object] = {"journal_key": _text(layout.journal_key)}
    elif name == "scan":
        named += [f"--socket={layout.clamd}", f"--held={layout.spool / 'guard' / 'held'}"]
        secrets = {}
    else:
        named += _leg(layout, SIDES[name])
        secrets = _identities(layout, name)
    return Brief(tuple(named), environment, json.dumps(secrets).encode())


def _identities(layout: Layout, leg: str) -> dict[str, dict[str, str]]:
    try:
        told: dict[str, dict[str, str]] = json.loads(certificates.secrets(layout.keys, leg))
    except BoxError:
        return {}  # doors with TLS stay closed, and the leg says so
    return told


def _ends(name: str) -> tuple[str, ...]:
    if name == "guard":
        others = ("front", "back", "scan")
        return (*(f"--{way}-{other}" for other in others for way in ("from", "to")), "--secrets")
    return ("--reader", "--writer", "--secrets")


def _leg(layout: Layout, side: str) -> list[str]:
    plan = layout.plan
    zone = plan.extranet if side == "extranet" else plan.intranet
    return [
        f"--address={zone.leg_address}",
        f"--port={plan.port}",
        f"--spool={layout.spool}",
        f"--listen={listening.render(doors(layout, side))}",
    ]


def doors(layout: Layout, side: str) -> tuple[listening.Listen, ...]:
    """Return what the policy in force opens on `side`; without a valid one, plain HTTP to say no."""
    try:
        key = VerifyKey.from_pem(layout.policy_key.read_bytes())
        channels = policy.load(layout.folder, key).policy.channels
        return listening.listening(channels, side, layout.plan.port)
    except (OSError, ValueError, BoxError):  # the guard denies all then, and says why
        return listening.listening((), side, layout.plan.port)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""  # no key: the guard denies all and says so
