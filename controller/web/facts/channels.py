"""The channels of the policy in force, as the gateway page and the drawing show them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from controller.records import gateway, traffic
from controller.web.facts import modules
from controller.web.facts.flows import FlowView


@dataclass(frozen=True)
class ChannelView:
    """One way across that is open: what the signed policy says of it, and how it stands.

    `module` declared it, or is empty for one of reviewed text; `waiting` and `dead` count messages.
    """

    id: str
    direction: str
    lane: str
    protocol: str
    what: str
    purpose: str
    data_class: str
    peer: str
    target: str
    rate: int
    people: str
    module: str
    paused: bool = False
    waiting: int = 0
    dead: int = 0

    @property
    def tone(self) -> str:
        """How it stands: bad with dead letters, off while paused, else ok."""
        return "bad" if self.dead else "off" if self.paused else "ok"


def in_force(session: Session, folder: Path) -> list[ChannelView]:
    """Return the open channels, by id; `folder` is the gateway's."""
    flows = {flow.channel: flow for flow in _flows(session)}
    paused = gateway.paused(session)
    dead = traffic.dead_by_channel(session)
    waiting = {name: number for name, number, _ in traffic.waiting(session)}
    held = _policy(folder)
    if held is None:
        held = {name: _declared(flow) for name, flow in flows.items()}
    return [
        ChannelView(
            **_facts(name, raw, flows.get(name)),
            paused=name in paused,
            waiting=waiting.get(name, 0),
            dead=dead.get(name, 0),
        )
        for name, raw in sorted(held.items())
    ]


def _flows(session: Session) -> list[FlowView]:
    approved = [m for m in modules.all_of(session) if m.approval == "approved"]
    return [flow for module in approved for flow in module.flows if flow.channel]


def _policy(folder: Path) -> dict[str, dict[str, Any]] | None:
    """Return the channels of the signed policy by id; None when there is none that can be read.

    The signature is the gateway's to check: nothing here decides anything by what the file says.
    """
    try:
        data = (folder / "policy.signed").read_bytes().partition(b"\n")[2]
        return {str(one["id"]): one for one in json.loads(data)["channels"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _declared(flow: FlowView) -> dict[str, Any]:
    return {
        "direction": flow.direction, "lane": flow.lane, "protocol": "http-json",
        "method": "", "path": flow.request_line, "resource": flow.resource,
        "data_class": str(flow.data_class), "rate": flow.rate,
    }  # fmt: skip


def _facts(name: str, raw: Mapping[str, Any], flow: FlowView | None) -> dict[str, Any]:
    said = {key: str(raw.get(key) or "") for key in
            ("direction", "lane", "protocol", "data_class", "peer", "target")}  # fmt: skip
    purpose = str(raw.get("purpose") or (f"{flow.purpose.zh} {flow.purpose.en}" if flow else ""))
    people = [str(raw[key]) for key in ("requester", "approver") if raw.get(key)]
    return {
        "id": name,
        **said,
        "what": _what(raw),
        "purpose": purpose,
        "rate": int(raw.get("rate") or 0),
        "people": " → ".join(people),
        "module": flow.module if flow else "",
    }


def _what(raw: Mapping[str, Any]) -> str:
    """Name the messages: request line, message types, resources or media."""
    line = f"{raw.get('method') or ''} {raw.get('path') or ''}".strip()
    kinds = [str(one) for one in (*(raw.get("types") or ()), *(raw.get("media") or ()))]
    kinds += [str(one.get("type", "")) for one in raw.get("resources") or ()]
    return " · ".join(part for part in (line, ", ".join(kinds)) if part)
