"""The API's own description, OpenAPI 3.1, made from the table of routes and nothing else."""

import re
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from controller.api import parts
from controller.api.route import Form, Route

_REF = "#/components/schemas/{model}"
_PART = re.compile(r"<(\w+)>")
_ERRORS = {
    "400": "输入有误 bad input",
    "401": "尚未登录 not logged in",
    "403": "无权执行 not allowed",
    "404": "找不到 not found",
    "409": "状态冲突 conflict",
    "412": "对象已变化 changed since it was read",
    "413": "请求过大 too large",
    "414": "地址过长 address too long",
    "415": "内容类型不符 wrong content type",
    "422": "校验未通过 verification failed",
    "429": "错误令牌过多 too many wrong tokens",
    "503": "暂时不可用 not available now",
}

_OF_SERVER = "414"  # the web server's own answer, before the API sees the request


def describe(routes: tuple[Route, ...]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document for `routes`."""
    forms = [route.form for route in routes]
    models = {m for form in forms for m in (form.answer, form.body) if m is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    refs, defined = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=_REF
    )
    named = {model: refs[model, "validation"] for model in ordered}
    paths: dict[str, Any] = {}
    for form in forms:
        place = _PART.sub(r"{\1}", form.address)
        paths.setdefault(place, {})[form.method.lower()] = _operation(form, named)
    return {
        "openapi": "3.1.0",
        "info": {"title": "HBox 医盒", "version": version("hbox")},
        "paths": paths,
        "components": {
            "schemas": {**defined["$defs"], "Problem": _PROBLEM},
            "securitySchemes": _SECURITY,
        },
    }


def _operation(form: Form, named: dict[type[BaseModel], Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": form.name,
        "summary": f"{form.sentence.zh} {form.sentence.en}",
        "parameters": _parameters(form),
        "responses": {str(form.status): _answer(form, named), **_problems()},
        "security": [] if form.roles is None else [{"session": []}, {"token": []}, {"peer": []}],
        "x-hbox-roles": sorted(form.roles or ()),
    }
    if form.body is not None:
        content = {form.takes: {"schema": named[form.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    elif form.takes != "application/json":
        content = {form.takes: {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(form: Form) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": part, "in": "path", "required": True, "schema": _text(parts.form(part))}
        for part in _PART.findall(form.address)
    ]
    if form.query is not None:
        schema = form.query.model_json_schema()
        found += [
            {"name": name, "in": "query", "required": False, "schema": _inline(one, schema)}
            for name, one in schema["properties"].items()
        ]
    if form.status == 202:
        found.append({"name": "Idempotency-Key", "in": "header", "schema": _KEY})
    if form.status == 202 and form.address.startswith("/api/v1/vms/"):
        found.append({"name": "If-Match", "in": "header", "schema": _ETAG})
    return found


def _text(form: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{form}$"}


def _inline(one: Any, schema: dict[str, Any]) -> Any:
    """Put the definitions of a query's types in place: they are small and used once."""
    if isinstance(one, dict):
        if "$ref" in one:
            return schema["$defs"][one["$ref"].rsplit("/", 1)[1]]
        return {key: _inline(value, schema) for key, value in one.items()}
    return [_inline(value, schema) for value in one] if isinstance(one, list) else one


def _answer(form: Form, named: dict[type[BaseModel], Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": form.sentence.en}
    told["content"] = {kind: {"schema": _shape(form, kind, named)} for kind in form.gives}
    if form.status == 202:
        told["headers"] = {"Location": {"schema": _text("/api/v1/jobs/" + parts.ANY)}}
    return told


def _shape(form: Form, kind: str, named: dict[type[BaseModel], Any]) -> Any:
    if form.answer is not None:
        return named[form.answer]
    return {"type": "object" if kind.endswith("json") else "string"}


def _problems() -> dict[str, Any]:
    schema = {"$ref": _REF.format(model="Problem")}
    return {
        status: {
            "description": text,
            "content": {"application/json": {"schema": schema}}
            if status != _OF_SERVER
            else {"text/plain": {"schema": {"type": "string"}}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status, text in _ERRORS.items()
    }


_HEADERS = {
    "401": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    "429": {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]{1,4}$"}}},
}


_KEY = _text(r"[\x21-\x7e]{1,128}")
_ETAG = _text(r'(\*|"[0-9]{1,9}")')
_TEXT = {
    "type": "object",
    "required": ["zh", "en"],
    "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
}
_PATH = {
    "type": "object",
    "required": ["path", "why"],
    "properties": {"path": {"type": "string"}, "why": {"type": "string"}},
    "additionalProperties": False,
}
_PROBLEM = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint", "fields"],
            "properties": {
                "code": {"type": "string", "pattern": r"^[a-z_]+(\.[a-z_]+)+$"},
                "message": _TEXT,
                "hint": _TEXT,
                "fields": {
                    "type": "object",
                    "additionalProperties": {"type": ["string", "number"]},
                },
                "paths": {"type": "array", "items": _PATH},
            },
            "additionalProperties": False,
        }
    },
    "additionalProperties": False,
}
_SECURITY = {
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-hbox"},
    "token": {"type": "http", "scheme": "bearer", "description": "an API token: hbox token create"},
    "peer": {
        "type": "http",
        "scheme": "unix-peer",
        "description": "over /run/hbox/api.sock: the kernel says which local user asks",
    },
}
