"""FHIR Bundles that are envelopes: transactions, search results, and what a server answers to them.

An envelope is made anew: inside addresses of either side (`fullUrl`, `link`) never cross.
"""

import re
from collections.abc import Callable

from network.gateway.channel import Interaction
from network.gateway.fhir.rules import Rules
from network.gateway.findings import Findings
from network.gateway.primitives import CHECKS, STEP
from network.gateway.query import query_anew
from network.gateway.refusals import BodyRefused

_OWN = re.compile(r"urn:(uuid|oid):[0-9a-f.-]{1,64}")
_PLACE = re.compile(rf"(?:.*/)?([A-Z][A-Za-z]{{1,63}})/({STEP})(?:/_history/({STEP}))?", re.DOTALL)
_ETAG = re.compile(r'(?:W/)?"[A-Za-z0-9.\-]{1,64}"')
_STATUS = re.compile(r"([1-5][0-9]{2})(?: .{0,60})?")
_SEVERITY = ("fatal", "error", "warning", "information")
_ISSUE = re.compile(r"[a-z-]{2,32}")
_EXPRESSION = re.compile(r"[A-Za-z0-9_.\[\]()'$]{1,200}")
_SENT = ("transaction", "batch")

_PAGES = ("self", "first", "previous", "next", "last")

Object = dict[str, object]
Onward = Callable[[str], str]


def is_sent(value: Object) -> bool:
    """Whether `value` is a Bundle that asks a server to do several things."""
    return value.get("resourceType") == "Bundle" and value.get("type") in _SENT


def transaction(value: Object, rules: Rules, findings: Findings) -> Object:
    """Return a transaction or batch made anew, every entry an allowed create; raises `BodyRefused`."""
    if not is_sent(value):
        raise BodyRefused(path="$.type", why="not a transaction or batch Bundle")
    entries = [
        _creation(entry, rules, findings, f"$.entry[{number}]")
        for number, entry in enumerate(_list(value, "entry"))
    ]
    if not entries:
        raise BodyRefused(path="$.entry", why="missing")
    return {"resourceType": "Bundle", "type": value["type"], "entry": entries}


def _creation(entry: object, rules: Rules, findings: Findings, path: str) -> Object:
    told, request = (
        _object(entry, path),
        _object(_object(entry, path).get("request"), f"{path}.request"),
    )
    resource = _object(told.get("resource"), f"{path}.resource")
    rule = rules.rule(resource.get("resourceType"), f"{path}.resource.resourceType")
    if request.get("method") != "POST" or request.get("url") != rule.resource.type:
        raise BodyRefused(path=f"{path}.request", why=f"not POST {rule.resource.type}")
    if not rule.does("transaction"):
        raise BodyRefused(path=f"{path}.request", why="this channel does not create it so")
    asked: Object = {"method": "POST", "url": rule.resource.type}
    condition = request.get("ifNoneExist")
    if condition is not None:
        if not isinstance(condition, str):
            raise BodyRefused(path=f"{path}.request.ifNoneExist", why="not a string")
        asked["ifNoneExist"] = query_anew(rule.resource.params, condition)
    made: Object = {}
    if _own(told.get("fullUrl")):
        made["fullUrl"] = told["fullUrl"]
    return made | {"resource": rules.take(resource, findings, f"{path}.resource"), "request": asked}


def found(value: Object, rules: Rules, findings: Findings, onward: Onward) -> Object:
    """Return a search result made anew: each entry by its type's rule; raises `BodyRefused`.

    `onward` turns a server's address of another page into one that this side may ask, if it may.
    """
    if value.get("resourceType") != "Bundle" or value.get("type") != "searchset":
        raise BodyRefused(path="$.type", why="not a searchset Bundle")
    made: Object = {"resourceType": "Bundle", "type": "searchset"}
    if "total" in value:
        if not CHECKS["unsignedInt"](value["total"]):
            raise BodyRefused(path="$.total", why="not a unsignedInt")
        made["total"] = value["total"]
    entries = [
        _match(entry, rules, findings, f"$.entry[{number}]")
        for number, entry in enumerate(_list(value, "entry"))
    ]
    links = [link for link in (_link(told, onward) for told in _list(value, "link")) if link]
    return made | ({"link": links} if links else {}) | ({"entry": entries} if entries else {})


def _link(told: object, onward: Onward) -> Object:
    if not isinstance(told, dict) or told.get("relation") not in _PAGES:
        return {}
    url = onward(str(told.get("url", ""))[:2048])
    return {"relation": told["relation"], "url": url} if url else {}


def _match(entry: object, rules: Rules, findings: Findings, path: str) -> Object:
    told = _object(entry, path)
    resource = _object(told.get("resource"), f"{path}.resource")
    made: Object = {"fullUrl": told["fullUrl"]} if _own(told.get("fullUrl")) else {}
    if resource.get("resourceType") == "OperationOutcome":
        return made | {"resource": outcome(resource), "search": {"mode": "outcome"}}
    seen: tuple[Interaction, ...] = ("read", "search")
    if not rules.rule(resource.get("resourceType"), f"{path}.resource.resourceType").does(*seen):
        raise BodyRefused(path=f"{path}.resource", why="this channel does not read it")
    made["resource"] = rules.take(resource, findings, f"{path}.resource")
    search = told.get("search")
    if isinstance(search, dict) and search.get("mode") in ("match", "include"):
        made["search"] = {"mode": search["mode"]}
    return made


def done(value: Object, base: str) -> Object:
    """Return the answer to a transaction or batch made anew: status, place and version of each entry."""
    if value.get("resourceType") != "Bundle" or value.get("type") not in [
        f"{s}-response" for s in _SENT
    ]:
        raise BodyRefused(path="$.type", why="not the answer to a transaction or batch")
    entries = [_made(entry, base, f"$.entry[{n}]") for n, entry in enumerate(_list(value, "entry"))]
    return {"resourceType": "Bundle", "type": value["type"], "entry": entries}


def _made(entry: object, base: str, path: str) -> Object:
    response = _object(_object(entry, path).get("response"), f"{path}.response")
    status = _STATUS.fullmatch(str(response.get("status")))
    if status is None:
        raise BodyRefused(path=f"{path}.response.status", why="not a status")
    made: Object = {"status": status.group(1)}
    where = place(str(response.get("location", "")), base)
    if where:
        made["location"] = where
    if etag(str(response.get("etag", ""))):
        made["etag"] = response["etag"]
    if isinstance(response.get("outcome"), dict):
        made["outcome"] = outcome(_object(response["outcome"], path))
    return {"response": made}


def failures(value: Object) -> list[str]:
    """Return the entries of a server's answer that were not done, as `entry 2: 422`."""
    said = []
    for number, entry in enumerate(_list(value, "entry")):
        response = entry.get("response") if isinstance(entry, dict) else None
        status = str(response.get("status", "")) if isinstance(response, dict) else ""
        if not status.startswith("2"):
            said.append(f"entry {number}: {status[:3] or 'no status'}")
    return said


def outcome(value: Object) -> Object:
    """Return an OperationOutcome of which only severity, code and FHIRPath are left: no texts."""
    issues = [_issue(one) for one in _list(value, "issue")[:20]]
    return {"resourceType": "OperationOutcome", "issue": issues or [_issue({})]}


def _issue(told: object) -> Object:
    issue = told if isinstance(told, dict) else {}
    severity, code = issue.get("severity"), issue.get("code")
    made: Object = {
        "severity": severity if severity in _SEVERITY else "error",
        "code": code if isinstance(code, str) and _ISSUE.fullmatch(code) else "processing",
    }
    where = issue.get("expression")
    paths = [p for p in where if isinstance(p, str) and _EXPRESSION.fullmatch(p)] if isinstance(where, list) else []  # fmt: skip
    return made | ({"expression": paths[:8]} if paths else {})


def place(location: str, base: str, type_name: str = "") -> str:
    """Return a server's Location as this side knows it, below `base`; empty when it says none."""
    seen = _PLACE.fullmatch(location[:2048])
    if seen is None or (type_name and seen.group(1) != type_name):
        return ""
    version = f"/_history/{seen.group(3)}" if seen.group(3) else ""
    return f"{base}/{seen.group(1)}/{seen.group(2)}{version}"


def etag(told: str) -> str:
    """Return an ETag if it is a lawful one, else an empty text."""
    return told if _ETAG.fullmatch(told) else ""


def _own(url: object) -> bool:
    return isinstance(url, str) and _OWN.fullmatch(url) is not None


def _object(value: object, path: str) -> Object:
    if not isinstance(value, dict):
        raise BodyRefused(path=path, why="not an object")
    return value


def _list(value: Object, name: str) -> list[object]:
    items = value.get(name, [])
    if not isinstance(items, list):
        raise BodyRefused(path=f"$.{name}", why="not a list")
    return items
