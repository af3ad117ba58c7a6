"""A channel as people review it: one TOML text, read strictly, written in one canonical form."""

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from appliance.errors import BadInput, Text
from network.gateway.channel import Channel, Part, Resource, Window, check_channel
from network.gateway.inspect import Field
from network.gateway.located import line_of
from network.gateway.protocols import PROTOCOLS

LIMIT = 128 * 1024  # bytes of one channel's text
PENDING = "待批准 pending"
"""Stands where the approver will stand, so that a text can be judged before somebody approved it."""
BY_PROCEDURE = ("approver", "requester")
"""What no text may say: the procedure says who asked and who approved."""


class ChannelInvalid(BadInput):
    """The text of a channel cannot be taken; `line` is 0 where no line can be named."""

    code = "gateway.channel_invalid"
    text = Text(
        "通道文本第 {line} 行，{field}：{why_zh}",
        "The channel's text, line {line}, {field}: {why}",
    )
    hint = Text(
        "请按字段说明改正后重新提交；可用 hbox gateway channel show 查看一个可用的例子。",
        "Correct it and hand it in again; hbox gateway channel show prints one that works.",
    )


def parse(text: str, requester: str = "", approver: str = PENDING) -> Channel:
    """Return the channel that `text` states, with the two persons; raises `ChannelInvalid`."""
    _readable(text)
    raw = _toml(text)
    for name in BY_PROCEDURE:
        if name in raw:
            raise _invalid(text, (name,), "由审批流程填写", "the procedure fills this in")
    raw = raw | {"requester": requester, "approver": approver}
    try:
        channel = _adapter().validate_json(json.dumps(raw, allow_nan=False), strict=True)
    except ValidationError as error:
        raise _first(text, error) from error
    except (TypeError, ValueError) as error:
        raise _invalid(text, (), "含有不支持的取值（如日期）", str(error)) from error
    _lawful(text, channel)
    return channel


def _readable(text: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > LIMIT:
        raise _invalid("", (), f"超过 {LIMIT} 字节", f"over {LIMIT} bytes")
    for number, line in enumerate(text.split("\n"), 1):
        # What a reviewer cannot see, or sees in another order than it stands, is not reviewed.
        for sign in line:
            if sign != "\t" and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
                name = f"U+{ord(sign):04X}"
                raise ChannelInvalid(
                    line=number, field=name, why_zh="含有不可见字符",
                    why="a character that cannot be seen",
                )  # fmt: skip


def _toml(text: str) -> dict[str, Any]:  # what was read from a file
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise ChannelInvalid(
            line=line, field="TOML", why_zh="不是合格的 TOML", why=str(error)[:200]
        ) from error


@lru_cache(maxsize=1)
def _adapter() -> "TypeAdapter[Channel]":
    return TypeAdapter(Channel)


_WHY = {
    "missing": "缺少该字段",
    "missing_argument": "缺少该字段",
    "unexpected_keyword_argument": "没有这个字段",
    "extra_forbidden": "没有这个字段",
    "literal_error": "不在可选值中",
}


def _first(text: str, error: ValidationError) -> ChannelInvalid:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    one = found[0]
    more = f"（另有 {len(found) - 1} 处）" if len(found) > 1 else ""
    why = one["msg"] + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")
    # Only places in the text: pydantic names no branch here, all fields have one form.
    return _invalid(text, one["loc"], _WHY.get(one["type"], "类型或取值不符") + more, why)


def _invalid(text: str, place: tuple[str | int, ...], zh: str, en: str) -> ChannelInvalid:
    return ChannelInvalid(
        line=line_of(text, place), field=dotted(place) or "channel", why_zh=zh, why=en
    )


def dotted(place: tuple[str | int, ...]) -> str:
    """Return `("parts", 2, "mask")` as `parts[2].mask`, counted from 0."""
    shown = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place)
    return shown.removeprefix(".")


_LAWS = {
    "its id": "id",
    "its path": "path",
    "its target": "target",
    "its port": "port",
    "its certificates": "client_cert",
    "its limits": "rate",
    "its method": "method",
    "GET has no body": "request",
    "POST needs fields": "request",
    "a request lane needs response fields": "response",
    "a field that pins its resource": "resource",
}
"""Which field to look at first when a law that joins several of them is broken."""


def _lawful(text: str, channel: Channel) -> None:
    try:
        check_channel(channel)
        PROTOCOLS[channel.protocol].plan(channel)
    except KeyError as error:
        raise _invalid(text, ("protocol",), "此版本不支持该协议", "not supported here") from error
    except ValueError as error:
        why = str(error).removeprefix(f"channel {channel.id}: ")
        place = _place(channel, why)
        raise _invalid(text, place, f"不符合通道规则：{why}", f"breaks a law of channels: {why}") from error  # fmt: skip


def _place(channel: Channel, why: str) -> tuple[str | int, ...]:
    for law, name in _LAWS.items():
        if why.startswith(law):
            return (name,)
    named = [f.name for f in fields(channel) if re.search(rf"\b{f.name}\b", why)]
    if named:
        return (named[0],)
    return ("peer",) if "address" in why or channel.peer in why else ()


# Writing


def render(channel: Channel) -> str:
    """Return the canonical text of `channel`; `parse` of it gives the channel back.

    What stands at its default is left out; who asked and who approved is not part of the text.
    """
    lines: list[str] = []
    for head, names in _SECTIONS:
        told = [line for name in names for line in _said(channel, name)]
        if told:
            lines += ["", f"# {head.zh} {head.en}", *told]
    return "\n".join(lines[1:]) + "\n"


_SECTIONS: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (
        Text("用途与数据级别（GB/T 39725 的 1 至 5 级）", "purpose and data class"),
        ("id", "purpose", "data_class", "bulk"),
    ),
    (
        Text("方向、方式与协议", "direction, lane and protocol"),
        ("direction", "lane", "protocol"),
    ),
    (
        Text("发送方：地址、入口端口与加密", "the sender: address, listening port, encryption"),
        ("peer", "port", "tls", "client_cert"),
    ),
    (
        Text("接收方：地址与加密", "the receiver: address and encryption"),
        ("target", "target_tls", "target_cert"),
    ),
    (
        Text(
            "报文：只有列出的内容可以通过", "the message: only what is listed crosses"
        ),
        ("method", "path", "query", "resource", "charset", "types", "media", "request", "response",
         "resources", "parts", "leak"),
    ),
    (
        Text("时间与数量限制", "times and limits"),
        ("windows", "rate", "quota", "time_limit", "attempts", "body_limit", "queue_limit",
         "replay_hours", "retention_days"),
    ),
)  # fmt: skip

_PARTS = (Field, Part, Resource, Window)


def _said(channel: Channel, name: str) -> Iterator[str]:
    value = getattr(channel, name)
    default = next(f.default for f in fields(Channel) if f.name == name)
    if value == default:
        return
    if isinstance(value, tuple) and value and isinstance(value[0], _PARTS):
        yield f"{name} = ["
        for one in value:
            yield f"  {_value(one)},"
        yield "]"
    else:
        yield f"{name} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        # Every JSON string is a TOML basic string, but for DEL, which no text of ours may hold.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if is_dataclass(value) and not isinstance(value, type):
        told = [
            f"{f.name} = {_value(getattr(value, f.name))}"
            for f in fields(value)
            if getattr(value, f.name) != f.default
        ]
        return "{ " + ", ".join(told) + " }"
    raise TypeError(f"no text form: {type(value).__name__}")


def with_persons(channel: Channel, requester: str, approver: str) -> Channel:
    """Return `channel` with the two persons who answer for it."""
    return replace(channel, requester=requester, approver=approver)


def as_dict(channel: Channel) -> dict[str, Any]:  # for JSON
    """Return the channel's fields, nested ones too, in the form that JSON carries."""
    held: dict[str, Any] = json.loads(json.dumps(asdict(channel)))
    return held
