"""Which HTTP status tells which error, and the body that carries it; in this one place."""

from flask import Response, jsonify
from pydantic import ValidationError

from appliance import errors
from appliance.errors import BoxError, Text
from controller.access.throttle import TooManyTries

_STATUS: tuple[tuple[type[BoxError], int], ...] = (
    (errors.BadInput, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Stale, 412),
    (errors.TooLarge, 413),
    (errors.Refused, 422),
    (errors.Unavailable, 503),
)


class WrongType(errors.BadInput):
    """The body is not of the content type that this address takes."""

    code = "input.content_type"
    text = Text("内容类型应为 {wanted}", "The content type must be {wanted}")


class NotJson(errors.BadInput):
    """The body is not JSON."""

    code = "input.malformed_json"
    text = Text("请求正文不是有效的 JSON：{why}", "The body is not JSON: {why}")


class Invalid(errors.BadInput):
    """The body or query does not match its schema; the paths say where."""

    code = "input.invalid"
    text = Text("请求有 {count} 处不符合要求：{first}", "{count} parts do not fit: {first}")

    def __init__(self, found: ValidationError) -> None:
        self.paths = [
            {"path": ".".join(str(part) for part in one["loc"]), "why": one["msg"]}
            for one in found.errors(include_url=False, include_input=False)
        ]
        first = self.paths[0]
        super().__init__(count=len(self.paths), first=f"{first['path']}: {first['why']}")


class NoAddress(errors.NotFound):
    """There is nothing at this address of the API."""

    code = "api.no_address"
    text = Text("接口不存在：{path}", "There is no such address: {path}")
    hint = Text("请查阅 /api/openapi.json。", "See /api/openapi.json.")


class NoMethod(errors.BadInput):
    """The address exists, but not with this method."""

    code = "api.no_method"
    text = Text("该接口不支持 {method}", "This address does not take {method}")
    hint = NoAddress.hint


def status_of(error: BoxError) -> int:
    """Return the HTTP status for `error`: its own kind's, else by its place in the tree."""
    if isinstance(error, WrongType):
        return 415
    if isinstance(error, NoMethod):
        return 405
    if isinstance(error, TooManyTries):
        return 429
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(error: BoxError) -> Response:
    """Return the answer that tells `error`: its status and `{"error": …}`."""
    body = error.as_dict()
    if isinstance(error, Invalid):
        body["paths"] = error.paths
    answer = jsonify({"error": body})
    answer.status_code = status_of(error)
    if isinstance(error, TooManyTries):
        answer.headers["Retry-After"] = str(error.fields["seconds"])
    if isinstance(error, errors.Unauthenticated):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="hbox"'
    return answer
