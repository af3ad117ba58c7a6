"""What a changed channel opens further than the one before it: what an approver must look at first. Pure."""

from collections.abc import Callable, Iterator

from appliance.errors import Text
from network.gateway.channel import Channel, Part, Resource
from network.gateway.inspect import Field

_LEAKS = ("refuse", "mask", "report")  # stricter first
_TLS = ("none", "tls", "sm")  # weaker first; only the step to `none` opens anything


def widened(old: Channel | None, new: Channel) -> tuple[Text, ...]:
    """Return one sentence for each way in which `new` lets more across than `old` did."""
    if old is None:
        found = [
            Text(
                f"新通道 {new.direction}：{new.peer} 到 {new.target}",
                f"a new channel {new.direction}: {new.peer} to {new.target}",
            )
        ]
        return (*found, *_bulk(None, new))
    return tuple(one for rule in _RULES for one in rule(old, new))


def _bulk(old: Channel | None, new: Channel) -> Iterator[Text]:
    if new.bulk and not (old and old.bulk):
        yield Text("允许批量导出", "bulk export is allowed")


def _ends(old: Channel, new: Channel) -> Iterator[Text]:
    for name, zh in (("direction", "方向"), ("peer", "发送方"), ("target", "接收方"),
                     ("lane", "方式"), ("protocol", "协议"), ("path", "路径")):  # fmt: skip
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield Text(f"{zh}改变：{was} → {now}", f"{name} changes: {was} → {now}")


def _content(old: Channel, new: Channel) -> Iterator[Text]:
    for name, zh in (("query", "查询参数"), ("types", "消息类型"), ("media", "文件类型")):
        for one in sorted(set(getattr(new, name)) - set(getattr(old, name))):
            yield Text(f"新增{zh}：{one}", f"new in {name}: {one}")
    for name in ("request", "response"):
        yield from _fields(name, getattr(old, name), getattr(new, name))
    yield from _parts(old.parts, new.parts)
    yield from _resources(old.resources, new.resources)


def _fields(where: str, old: tuple[Field, ...], new: tuple[Field, ...]) -> Iterator[Text]:
    before = {f.path: f for f in old}
    for field in new:
        was = before.get(field.path)
        if was is None:
            yield Text(f"新增字段：{where} {field.path}", f"new field: {where} {field.path}")
            continue
        if (was.values and set(field.values) - set(was.values)) or (
            was.values and not field.values
        ):
            yield Text(
                f"字段取值放宽：{where} {field.path}", f"more values allowed: {where} {field.path}"
            )
        if field.longest > was.longest:
            yield Text(f"字段加长：{where} {field.path}", f"longer text: {where} {field.path}")
        yield from _masked(f"{where} {field.path}", was, field)


def _masked(where: str, old: Field | Part, new: Field | Part) -> Iterator[Text]:
    was, now = getattr(old, "mask", ""), getattr(new, "mask", "")
    if was and was != now:
        yield Text(f"取消或改变脱敏：{where}", f"its mask goes or changes: {where}")
    more = sorted(set(getattr(new, "carries", ())) - set(getattr(old, "carries", ())))
    if more:
        kinds = ", ".join(more)
        yield Text(f"允许个人号码：{where}（{kinds}）", f"may carry {kinds}: {where}")


def _parts(old: tuple[Part, ...], new: tuple[Part, ...]) -> Iterator[Text]:
    before = {p.path: p for p in old}
    for part in new:
        was = before.get(part.path)
        if was is None:
            yield Text(f"新增字段：{part.path}", f"new field: {part.path}")
        else:
            yield from _masked(part.path, was, part)


def _resources(old: tuple[Resource, ...], new: tuple[Resource, ...]) -> Iterator[Text]:
    before = {r.type: r for r in old}
    for one in new:
        was = before.get(one.type)
        if was is None:
            yield Text(f"新增资源：{one.type}", f"new resource: {one.type}")
            continue
        if one.whole and not was.whole:
            yield Text(f"资源整体放行：{one.type}", f"every element may cross: {one.type}")
        for did in sorted(set(one.interactions) - set(was.interactions)):
            yield Text(f"新增操作：{one.type} {did}", f"new interaction: {one.type} {did}")
        for more in sorted(set(one.params) - set(was.params)):
            yield Text(f"新增查询参数：{one.type} {more}", f"new parameter: {one.type} {more}")
        yield from _fields(one.type, was.fields, one.fields)


def _guards(old: Channel, new: Channel) -> Iterator[Text]:
    if _LEAKS.index(new.leak) > _LEAKS.index(old.leak):
        yield Text(
            f"个人号码的处置放宽：{old.leak} → {new.leak}",
            f"personal numbers are treated less strictly: {old.leak} → {new.leak}",
        )
    for name in ("tls", "target_tls"):
        was, now = getattr(old, name), getattr(new, name)
        if now == "none" and was != "none":
            yield Text(f"取消加密：{name}", f"encryption goes: {name}")
    for name in ("client_cert", "target_cert"):
        was, now = getattr(old, name), getattr(new, name)
        if was and was != now:
            yield Text(f"证书绑定取消或改变：{name}", f"the pinned certificate changes: {name}")
    if new.data_class < old.data_class:
        yield Text("数据级别降低", "the data class is lowered")


def _limits(old: Channel, new: Channel) -> Iterator[Text]:
    for name, zh in (("rate", "速率"), ("body_limit", "报文上限"), ("queue_limit", "队列上限")):
        if getattr(new, name) > getattr(old, name):
            yield Text(f"{zh}提高", f"{name} is raised")
    if old.quota and (not new.quota or new.quota > old.quota):
        yield Text("每日配额取消或提高", "the daily quota goes or is raised")
    if old.windows and old.windows != new.windows:
        yield Text("开放时段改变", "the times when it is open change")
    for name, zh in (("replay_hours", "防重放时间"), ("retention_days", "留存天数")):
        if getattr(new, name) < getattr(old, name):
            yield Text(f"{zh}缩短", f"{name} is shortened")


_RULES: tuple[Callable[[Channel, Channel], Iterator[Text]], ...] = (
    _bulk, _ends, _content, _guards, _limits,
)  # fmt: skip
