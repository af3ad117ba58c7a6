"""The data flows that a module's manifest declares, as the approver and the gateway page show them."""

from dataclasses import dataclass
from typing import Any

from appliance.errors import Text


@dataclass(frozen=True)
class FlowView:
    """One declared flow. `channel` is empty for plain traffic inside the module's own zone."""

    module: str
    zone: str
    name: str
    source: str
    target: str
    port: int
    request_line: str
    channel: str
    lane: str
    direction: str
    resource: str
    fields: tuple[str, ...]
    data_class: int
    rate: int
    purpose: Text


def flows(manifest: dict[str, Any]) -> tuple[FlowView, ...]:
    """Return the flows in `manifest` (the JSON form of `appliance.sdk.manifest.Manifest`)."""
    identity = manifest.get("module", {})
    zone = str(manifest.get("component", {}).get("zone", ""))
    return tuple(_flow(str(identity.get("id", "")), zone, raw) for raw in manifest.get("flows", ()))


def _flow(module: str, zone: str, raw: dict[str, Any]) -> FlowView:
    source, target = (str(raw.get(key) or raw.get(other, "")) for key, other in _ENDS)
    message = raw.get("response") or raw.get("request") or {}
    purpose = raw.get("purpose", {})
    return FlowView(
        module=module,
        zone=zone,
        name=str(raw.get("name", "")),
        source=source,
        target=target,
        port=int(raw.get("port", 0)),
        request_line=" ".join(str(raw[key]) for key in ("method", "path") if raw.get(key)),
        channel=str(raw.get("channel") or ""),
        lane=str(raw.get("lane") or ""),
        direction=_direction(zone, source) if raw.get("channel") else "",
        resource=str(message.get("resource", "")),
        fields=_fields(message.get("fields", ())),
        data_class=int(raw.get("data_class", 0)),
        rate=int(raw.get("rate", 0)),
        purpose=Text(str(purpose.get("zh", "")), str(purpose.get("en", ""))),
    )


def _fields(listed: Any) -> tuple[str, ...]:
    return tuple(str(one["path"] if isinstance(one, dict) else one) for one in listed)


def _direction(zone: str, source: str) -> str:
    other = "intranet" if zone == "extranet" else "extranet"
    return f"{zone}->{other}" if source == "self" else f"{other}->{zone}"


_ENDS = (("from", "source"), ("to", "target"))
