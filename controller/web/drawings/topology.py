"""The box as a drawing: zones, their machines and modules, the gateway between, channels with traffic."""

from dataclasses import dataclass

from markupsafe import Markup, escape

from appliance.errors import Text

_VM_HEIGHT = 54
_GAP = 12
_ZONE_HEAD = 58
_LANE = 44
_GROUP = 24  # the line above the machines of one node
_STRIP = 62  # the nodes side by side, where there are several


@dataclass(frozen=True)
class Machine:
    """A machine in its zone; `tone` is ok, warn, bad, busy or off; `label` names its module, if any."""

    name: str
    address: str
    label: str
    tone: str
    state: Text
    href: str
    node: str = ""


@dataclass(frozen=True)
class Lane:
    """An open channel; `inward` means from the extranet to the intranet; `passed` in the last hour.

    `dead` counts its unsettled dead letters.
    """

    name: str
    inward: bool
    passed: int
    dead: int = 0
    paused: bool = False

    @property
    def tone(self) -> str:
        """How it is drawn besides its traffic: bad, paused or plain."""
        return "bad" if self.dead else "paused" if self.paused else ""

    @property
    def label(self) -> str:
        """Its name, what passed, and in words what is wrong: colours only repeat it."""
        state = f" · 无法送达 {self.dead}" if self.dead else " · 已暂停" if self.paused else ""
        return f"{self.name} · {self.passed}{state}"


@dataclass(frozen=True)
class Member:
    """A node; `tone` as of a machine, `state` its words; `home` carries controller and gateway."""

    name: str
    engine: str
    tone: str = "ok"
    state: Text = Text("在用", "active")  # noqa: RUF009 - a frozen value
    home: bool = True


@dataclass(frozen=True)
class Scene:
    """What the drawing shows: the box, be it one node or several."""

    nodes: tuple[Member, ...]
    extranet: tuple[Machine, ...]
    intranet: tuple[Machine, ...]
    lanes: tuple[Lane, ...]


def wide(scene: Scene) -> Markup:
    """Return the drawing for a screen: extranet left, gateway in the middle, intranet right."""
    top = 40 + _strip_height(scene)
    rows = max(_rows_height(scene, scene.extranet), _rows_height(scene, scene.intranet))
    inner = max(_ZONE_HEAD + rows + 4, 132 + max(len(scene.lanes), 1) * _LANE)
    height = top + inner + 16
    parts = [
        _frame(scene, 960, height),
        _strip(scene, 960),
        _zone(scene, _Place(22, top, 280, inner), _OUTSIDE, scene.extranet),
        _zone(scene, _Place(658, top, 280, inner), _INSIDE, scene.intranet),
        _gate(scene, _Place(370, top, 220, inner)),
        *[_channel(lane, top + 140 + index * _LANE) for index, lane in enumerate(scene.lanes)],
        "" if scene.lanes else _closed(480, top + 150),
    ]
    return _svg("wide", 960, height, parts)


def tall(scene: Scene) -> Markup:
    """Return the drawing for a phone: extranet above, gateway between, intranet below."""
    top = 40 + _strip_height(scene, narrow=True)
    above = _ZONE_HEAD + _rows_height(scene, scene.extranet) + 4
    below = _ZONE_HEAD + _rows_height(scene, scene.intranet) + 4
    gate = 108 + max(len(scene.lanes), 1) * 26
    gate_y = top + above + 22
    below_y = gate_y + gate + 22
    height = below_y + below + 16
    parts = [
        _frame(scene, 360, height),
        _strip(scene, 360),
        _zone(scene, _Place(12, top, 336, above), _OUTSIDE, scene.extranet),
        _gate(scene, _Place(12, gate_y, 336, gate)),
        *[_lane_line(lane, gate_y + 108 + index * 26) for index, lane in enumerate(scene.lanes)],
        "" if scene.lanes else _closed(180, gate_y + 108),
        _zone(scene, _Place(12, below_y, 336, below), _INSIDE, scene.intranet),
    ]
    return _svg("tall", 360, height, parts)


_OUTSIDE = (Text("外网区", "extranet"), Text("面向互联网与患者", "internet and patients"))
_INSIDE = (Text("内网区", "intranet"), Text("连接 HIS、LIS、PACS", "HIS, LIS, PACS"))
_SIGNS = {"ok": "✓", "bad": "✕", "warn": "!", "busy": "↻"}


def _groups(scene: Scene, machines: tuple[Machine, ...]) -> list[tuple[str, tuple[Machine, ...]]]:
    """The machines by node, in the nodes' order; one group without a name where there is one node."""
    if len(scene.nodes) < 2:
        return [("", machines)]
    by_node = [(n.name, tuple(m for m in machines if m.node == n.name)) for n in scene.nodes]
    return [(name, held) for name, held in by_node if held]


def _rows_height(scene: Scene, machines: tuple[Machine, ...]) -> int:
    groups = _groups(scene, machines)
    heads = sum(_GROUP for name, _ in groups if name)
    return heads + max(len(machines), 1) * (_VM_HEIGHT + _GAP)


def _strip_height(scene: Scene, *, narrow: bool = False) -> int:
    if len(scene.nodes) < 2:
        return 0
    return len(scene.nodes) * 30 + 10 if narrow else _STRIP


def _strip(scene: Scene, width: int) -> str:
    """The nodes: side by side on a screen, one below the other on a phone."""
    if len(scene.nodes) < 2:
        return ""
    if width < 700:
        return "".join(_member_line(one, 40 + 30 * i) for i, one in enumerate(scene.nodes))
    each = (width - 44 - 12 * (len(scene.nodes) - 1)) / len(scene.nodes)
    return "".join(_member(one, 22 + i * (each + 12), each) for i, one in enumerate(scene.nodes))


def _member(one: Member, x: float, width: float) -> str:
    sign = _SIGNS.get(one.tone, "○")
    about = f"{one.engine} · 控制器与网关" if one.home else one.engine
    return (
        f'<a href="/nodes/{escape(one.name)}"><rect class="vm {escape(one.tone)}" x="{x:.0f}" y="40" width="{width:.0f}" height="48" rx="6"/>'
        f'<text class="strong" x="{x + 12:.0f}" y="60">{escape(one.name)}</text>'
        f'<text class="state" x="{x + width - 12:.0f}" y="60" text-anchor="end">{sign} {escape(one.state.zh)}</text>'
        f'<text class="small" x="{x + 12:.0f}" y="79">{escape(about)}</text></a>'
    )


def _member_line(one: Member, y: int) -> str:
    sign = _SIGNS.get(one.tone, "○")
    return (
        f'<a href="/nodes/{escape(one.name)}"><rect class="vm {escape(one.tone)}" x="12" y="{y}" width="336" height="26" rx="5"/>'
        f'<text class="strong" x="22" y="{y + 18}">{escape(one.name)}</text>'
        f'<text class="state" x="338" y="{y + 18}" text-anchor="end">{sign} {escape(one.state.zh)}</text></a>'
    )


def _svg(form: str, width: int, height: int, parts: list[str]) -> Markup:
    # The parts are escaped where they are made; only our own markup surrounds them.
    body = "".join(parts)
    return Markup(  # noqa: S704 - see above
        f'<svg class="drawing {form}" viewBox="0 0 {width} {height}" role="group" '
        f'aria-label="拓扑图 Topology">{body}</svg>'
    )


def _words(text: Text) -> str:
    return f'<tspan>{escape(text.zh)}</tspan> <tspan class="en" lang="en">{escape(text.en)}</tspan>'


def _frame(scene: Scene, width: int, height: int) -> str:
    if len(scene.nodes) == 1:
        label = Text(f"节点 {scene.nodes[0].name} · {scene.nodes[0].engine}", "")
    else:
        label = Text(f"{len(scene.nodes)} 个节点", f"{len(scene.nodes)} nodes")
    return (
        f'<rect class="node" x="2" y="10" width="{width - 4}" height="{height - 14}" rx="10"/>'
        f'<text class="small" x="16" y="30">{_words(label)}</text>'
    )


@dataclass(frozen=True)
class _Place:
    """Where a zone is drawn."""

    x: int
    y: int
    width: int
    height: int


def _zone(
    scene: Scene, place: _Place, said: tuple[Text, Text], machines: tuple[Machine, ...]
) -> str:
    x, y = place.x, place.y
    head = (
        f'<rect class="zone" x="{x}" y="{y}" width="{place.width}" height="{place.height}" rx="8"/>'
        f'<text class="strong" x="{x + 14}" y="{y + 23}">{_words(said[0])}</text>'
        f'<text class="small" x="{x + 14}" y="{y + 43}">{_words(said[1])}</text>'
    )
    drawn, at = [], y + _ZONE_HEAD
    for node, held in _groups(scene, machines):
        if node:
            drawn.append(f'<text class="small" x="{x + 14}" y="{at + 14}">{escape(node)}</text>')
            at += _GROUP
        for machine in held:
            drawn.append(_machine(machine, x + 12, at, place.width - 24))
            at += _VM_HEIGHT + _GAP
    words = _words(Text("没有虚拟机", "no machines"))
    none = f'<text class="small" x="{x + 14}" y="{y + 84}">{words}</text>'
    return head + ("".join(drawn) if machines else none)


def _machine(machine: Machine, x: int, y: int, width: int) -> str:
    sign = _SIGNS.get(machine.tone, "○")
    about = f"{machine.label} · {machine.address}" if machine.label else machine.address
    return (
        f'<a href="{escape(machine.href)}">'
        f'<rect class="vm {escape(machine.tone)}" x="{x}" y="{y}" width="{width}" height="{_VM_HEIGHT}" rx="6"/>'
        f'<text class="strong" x="{x + 12}" y="{y + 22}">{escape(machine.name)}</text>'
        f'<text class="state" x="{x + width - 12}" y="{y + 22}" text-anchor="end">{sign} {escape(machine.state.zh)}</text>'
        f'<text class="small" x="{x + 12}" y="{y + 42}">{escape(about)}</text></a>'
    )


def _gate(scene: Scene, place: _Place) -> str:
    x, y, width, height = place.x, place.y, place.width, place.height
    home = next((one.name for one in scene.nodes if one.home), "")
    only = f"L1 · 唯一通路 · {home}" if len(scene.nodes) > 1 else "L1 · 唯一通路"
    third = (width - 28) // 3
    names = ("front 外网端", "guard 审查", "back 内网端")
    parts = [
        f'<rect class="part" x="{x + 14 + n * third}" y="{y + 52}" width="{third - 6}" height="40" rx="5"/>'
        f'<text class="small" x="{x + 11 + n * third + third // 2}" y="{y + 69}" text-anchor="middle">{name.split()[0]}</text>'
        f'<text class="small" x="{x + 11 + n * third + third // 2}" y="{y + 85}" text-anchor="middle">{name.split()[1]}</text>'
        for n, name in enumerate(names)
    ]
    return (
        f'<rect class="zone gate" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
        f'<a href="/gateway"><text class="strong" x="{x + 14}" y="{y + 23}">{_words(Text("数据交换网关", "gateway"))}</text></a>'
        f'<text class="small" x="{x + 14}" y="{y + 43}">{_words(Text(only, "" if len(scene.nodes) > 1 else "the only way"))}</text>'
        + "".join(parts)
    )


def _channel(lane: Lane, y: int) -> str:
    begin, end = (304, 648) if lane.inward else (656, 312)
    head = end + 10 if lane.inward else end - 10
    quiet = "" if lane.passed else " quiet"
    return (
        f'<text x="480" y="{y - 7}" text-anchor="middle">{escape(lane.label)}</text>'
        f'<line class="channel{quiet} {lane.tone}" x1="{begin}" y1="{y}" x2="{end}" y2="{y}"/>'
        f'<path class="head {lane.tone}" d="M{head} {y}L{end} {y - 6}L{end} {y + 6}Z"/>'
    )


def _lane_line(lane: Lane, y: int) -> str:
    tip, base = (y + 5, y - 7) if lane.inward else (y - 7, y + 5)
    return (
        f'<path class="head {lane.tone}" d="M34 {tip}L27 {base}L41 {base}Z"/>'
        f'<text x="52" y="{y + 4}">{escape(lane.label)}</text>'
    )


def _closed(x: int, y: int) -> str:
    words = _words(Text("没有打开的通道", "no channel open"))
    return f'<text class="small" x="{x}" y="{y}" text-anchor="middle">{words}</text>'
