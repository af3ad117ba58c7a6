"""What a channel allows of each FHIR resource type, and a resource held against it."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from network.gateway import masks
from network.gateway.channel import Channel, Interaction, Resource
from network.gateway.fhir.definitions import Element, is_resource, type_of
from network.gateway.fhir.whole import Walk, Wrong
from network.gateway.findings import Allowed, Findings
from network.gateway.inspect import Field, Node, allowed, compiled, every_kind, keep, leaves
from network.gateway.refusals import BodyRefused

_PARAM = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_NUMBERS = {
    "integer": "number",
    "positiveInt": "number",
    "unsignedInt": "number",
    "decimal": "decimal",
}


@dataclass(frozen=True)
class Rule:
    """One resource type of a channel, compiled. `kinds` are the personal numbers its fields may carry."""

    resource: Resource
    node: Node
    may: Allowed
    kinds: frozenset[str]

    def does(self, *interactions: Interaction) -> bool:
        """Whether one of `interactions` is allowed."""
        return any(one in self.resource.interactions for one in interactions)


@dataclass(frozen=True)
class Rules:
    """All of a channel's resource types."""

    by_type: dict[str, Rule]
    whole: bool
    """Whether every one of them crosses whole."""

    def rule(self, name: object, path: str = "$.resourceType") -> Rule:
        """Return the rule of a type; raises `BodyRefused` when the channel does not carry it."""
        rule = self.by_type.get(name) if isinstance(name, str) else None
        if rule is None:
            raise BodyRefused(path=path, why="this channel carries no such resource")
        return rule

    def take(
        self, value: object, findings: Findings, path: str = "$", depth: int = 0
    ) -> dict[str, object]:
        """Return what of a resource `depth` steps inside a message may cross; raises `BodyRefused`."""
        if type(value) is not dict:
            raise BodyRefused(path=path, why="not an object")
        name = value.get("resourceType")
        rule = self.rule(name, f"{path}.resourceType")
        if not rule.resource.whole:
            return {"resourceType": name, **keep(value, rule.node, findings, path)}
        walk = Walk(findings, lambda item, deeper: self._inside(item, findings, deeper))
        walk.resource(value, rule.resource.type, path, depth)
        if rule.node.children:
            _annotate(value, rule.node, findings, path)
        return value

    def _inside(self, item: object, findings: Findings, depth: int) -> dict[str, object]:
        try:
            return self.take(item, findings, depth=depth)
        except BodyRefused as refused:
            wrong = Wrong(str(refused.fields["why"]))
            wrong.place = str(refused.fields["path"]).removeprefix("$")
            raise wrong from refused

    def may(self, value: dict[str, object], otherwise: Allowed) -> Allowed:
        """Return which personal numbers the object `value` may carry, if it is a resource."""
        name = value.get("resourceType")
        rule = self.by_type.get(name) if isinstance(name, str) else None
        return rule.may if rule else otherwise


def compiled_rules(channel: Channel) -> Rules:
    """Return the rules of `channel`; raises `ValueError` when one breaks a law."""
    by_type: dict[str, Rule] = {}
    for resource in channel.resources:
        if resource.type in by_type:
            raise ValueError(f"channel {channel.id}: {resource.type} is given twice")
        by_type[resource.type] = _rule(channel, resource)
    return Rules(by_type, all(r.whole for r in channel.resources))


def _rule(channel: Channel, resource: Resource) -> Rule:
    lane: Collection[str] = (
        ("create", "transaction")
        if channel.lane == "store"
        else ("read", "search", "create", "transaction")
    )
    laws = {
        "a type of R4": is_resource(resource.type),
        f"interactions of the {channel.lane} lane": bool(resource.interactions)
        and set(lane).issuperset(resource.interactions),
        "fields, or whole": resource.whole or bool(resource.fields),
        "lawful parameters": all(_PARAM.fullmatch(name) for name in resource.params),
    }
    broken = [law for law, kept in laws.items() if not kept]
    if broken:
        raise ValueError(f"channel {channel.id}: {resource.type[:64]} has not {', '.join(broken)}")
    node = compiled(resource.fields)
    for one in leaves(node):
        if one.path != "resourceType":
            check_path(resource.type, one)
    return Rule(resource, node, allowed(node), every_kind(node))


def check_path(type_name: str, one: Field) -> None:
    """Raise `ValueError` unless R4 has the field `one` in type `type_name`, of that kind."""
    here: str | None = type_name
    element: Element | None = None
    for name in one.path.split("."):
        if element is not None and element.type == "Resource":
            return  # inside another resource, of any type: its own rule is the place to say more
        element = type_of(here).elements.get(name.removesuffix("[]")) if here else None
        if element is None or element.many is not name.endswith("[]"):
            raise ValueError(f"{type_name}.{one.path}: R4 has no {name} there")
        here = None if element.primitive else element.type
    if element is None or here is not None or element.type == "xhtml":
        raise ValueError(f"{type_name}.{one.path} is no single value")
    if _json_kind(element.type) != _json_kind(one.type):
        raise ValueError(f"{type_name}.{one.path} is of type {element.type}")


def _json_kind(name: str) -> str:
    return _NUMBERS.get(name, name if name in ("boolean", "base64Binary") else "text")


def _annotate(value: dict[str, object], node: Node, findings: Findings, path: str) -> None:
    for name, child in node.children.items():
        if name not in value:
            if child.required:
                raise BodyRefused(path=f"{path}.{name}", why="missing")
            continue
        place = f"{path}.{name}"
        item = value[name]
        if isinstance(item, list):
            item[:] = [_annotated(one, child, findings, place) for one in item]
        else:
            value[name] = _annotated(item, child, findings, place)


def _annotated(item: object, node: Node, findings: Findings, path: str) -> object:
    if node.leaf is None:
        if isinstance(item, dict):
            _annotate(item, node, findings, path)
        return item
    if node.leaf.values and item not in node.leaf.values:
        raise BodyRefused(path=path, why=f"not one of {'|'.join(node.leaf.values)}")
    if node.leaf.mask and isinstance(item, str):
        findings.masked += 1
        return masks.apply(node.leaf.mask, item)
    return item
