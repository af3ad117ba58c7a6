"""The box as a drawing: zones, their machines and modules, the gateway between, channels with traffic."""

from dataclasses import dataclass

from markupsafe import Markup, escape

from appliance.errors import Text

_VM_HEIGHT = 54
_GAP = 12
_ZONE_HEAD = 58
_LANE = 44


@dataclass(frozen=True)
class Machine:
    """A machine in its zone; `tone` is ok, warn, bad, busy or off; `label` names its module, if any."""

    name: str
    address: str
    label: str
    tone: str
    state: Text
    href: str


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
class Scene:
    """What the drawing shows."""

    node: str
    engine: str
    extranet: tuple[Machine, ...]
    intranet: tuple[Machine, ...]
    lanes: tuple[Lane, ...]


def wide(scene: Scene) -> Markup:
    """Return the drawing for a screen: extranet left, gateway in the middle, intranet right."""
    rows = max(len(scene.extranet), len(scene.intranet), 1)
    inner = max(_ZONE_HEAD + rows * (_VM_HEIGHT + _GAP) + 4, 132 + max(len(scene.lanes), 1) * _LANE)
    parts = [
        _frame(scene, 960, inner + 56),
        _zone(_Place(22, 40, 280, inner), _EXTRANET, _INTERNET, scene.extranet),
        _zone(_Place(658, 40, 280, inner), _INTRANET, _HOSPITAL, scene.intranet),
        _gate(370, 40, 220, inner),
        *[_channel(lane, 40 + 140 + index * _LANE) for index, lane in enumerate(scene.lanes)],
        "" if scene.lanes else _closed(480, 40 + 150),
    ]
    return _svg("wide", 960, inner + 56, parts)


def tall(scene: Scene) -> Markup:
    """Return the drawing for a phone: extranet above, gateway between, intranet below."""
    above = _ZONE_HEAD + max(len(scene.extranet), 1) * (_VM_HEIGHT + _GAP) + 4
    below = _ZONE_HEAD + max(len(scene.intranet), 1) * (_VM_HEIGHT + _GAP) + 4
    gate = 108 + max(len(scene.lanes), 1) * 26
    gate_y = 40 + above + 22
    below_y = gate_y + gate + 22
    height = below_y + below + 16
    parts = [
        _frame(scene, 360, height),
        _zone(_Place(12, 40, 336, above), _EXTRANET, _INTERNET, scene.extranet),
        _gate(12, gate_y, 336, gate),
        *[_lane_line(lane, gate_y + 108 + index * 26) for index, lane in enumerate(scene.lanes)],
        "" if scene.lanes else _closed(180, gate_y + 108),
        _zone(_Place(12, below_y, 336, below), _INTRANET, _HOSPITAL, scene.intranet),
    ]
    return _svg("tall", 360, height, parts)


_EXTRANET = Text("外网区", "extranet")
_INTRANET = Text("内网区", "intranet")
_INTERNET = Text("面向互联网与患者", "internet and patients")
_HOSPITAL = Text("连接 HIS、LIS、PACS", "HIS, LIS, PACS")


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
    label = Text(f"节点 {scene.node} · {scene.engine}", "")
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


def _zone(place: _Place, name: Text, about: Text, machines: tuple[Machine, ...]) -> str:
    x, y = place.x, place.y
    head = (
        f'<rect class="zone" x="{x}" y="{y}" width="{place.width}" height="{place.height}" rx="8"/>'
        f'<text class="strong" x="{x + 14}" y="{y + 23}">{_words(name)}</text>'
        f'<text class="small" x="{x + 14}" y="{y + 43}">{_words(about)}</text>'
    )
    drawn = [
        _machine(machine, x + 12, y + _ZONE_HEAD + index * (_VM_HEIGHT + _GAP), place.width - 24)
        for index, machine in enumerate(machines)
    ]
    words = _words(Text("没有虚拟机", "no machines"))
    none = f'<text class="small" x="{x + 14}" y="{y + 84}">{words}</text>'
    return head + ("".join(drawn) or none)


def _machine(machine: Machine, x: int, y: int, width: int) -> str:
    sign = {"ok": "✓", "bad": "✕", "warn": "!", "busy": "↻"}.get(machine.tone, "○")
    about = f"{machine.label} · {machine.address}" if machine.label else machine.address
    return (
        f'<a href="{escape(machine.href)}">'
        f'<rect class="vm {escape(machine.tone)}" x="{x}" y="{y}" width="{width}" height="{_VM_HEIGHT}" rx="6"/>'
        f'<text class="strong" x="{x + 12}" y="{y + 22}">{escape(machine.name)}</text>'
        f'<text class="state" x="{x + width - 12}" y="{y + 22}" text-anchor="end">{sign} {escape(machine.state.zh)}</text>'
        f'<text class="small" x="{x + 12}" y="{y + 42}">{escape(about)}</text></a>'
    )


def _gate(x: int, y: int, width: int, height: int) -> str:
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
        f'<text class="small" x="{x + 14}" y="{y + 43}">{_words(Text("L1 · 唯一通路", "the only way"))}</text>'
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
