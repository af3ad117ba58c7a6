"""The data flows that a module's manifest declares, as the approver and the gateway page show them."""

from collections.abc import Iterator
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
    purpose = raw.get("purpose", {})
    return FlowView(
        module=module,
        zone=zone,
        name=str(raw.get("name", "")),
        source=source,
        target=target,
        port=int(raw.get("port", 0)),
        request_line=_line(raw),
        channel=str(raw.get("channel") or ""),
        lane=str(raw.get("lane") or ""),
        direction=_direction(zone, source) if raw.get("channel") else "",
        resource=", ".join(dict.fromkeys(_resources(raw))),
        fields=tuple(dict.fromkeys(_fields(raw))),
        data_class=int(raw.get("data_class", 0)),
        rate=int(raw.get("rate", 0)),
        purpose=Text(str(purpose.get("zh", "")), str(purpose.get("en", ""))),
    )


def _line(raw: dict[str, Any]) -> str:
    if raw.get("types"):
        return f"HL7 v2 {', '.join(raw['types'])}"
    said = " ".join(str(raw[key]) for key in ("method", "path") if raw.get(key))
    return f"FHIR {said}" if raw.get("resources") else said


def _messages(raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (raw[way] for way in ("request", "response") if raw.get(way))


def _resources(raw: dict[str, Any]) -> Iterator[str]:
    """Yield the names of what crosses; of an HL7 v2 flow its segments."""
    yield from (str(one["resource"]) for one in _messages(raw) if one.get("resource"))
    yield from (str(one["type"]) for one in raw.get("resources") or ())
    yield from (str(part["path"]).partition("-")[0] for part in raw.get("parts") or ())


def _fields(raw: dict[str, Any]) -> Iterator[str]:
    """Yield every field that may cross, asked or answered: an approver must see all of them."""
    for message in _messages(raw):
        yield from (_path(one) for one in message.get("fields", ()))
    for resource in raw.get("resources") or ():
        if resource.get("whole"):
            yield f"{resource['type']}: 整个资源 whole"
        yield from (f"{resource['type']}: {_path(one)}" for one in resource.get("fields") or ())
    yield from (_path(part) for part in raw.get("parts") or ())


def _path(one: Any) -> str:
    return str(one["path"] if isinstance(one, dict) else one)


def _direction(zone: str, source: str) -> str:
    other = "intranet" if zone == "extranet" else "extranet"
    return f"{zone}->{other}" if source == "self" else f"{other}->{zone}"


_ENDS = (("from", "source"), ("to", "target"))
