"""Kernel settings that keep zones apart, written and read back."""

from dataclasses import dataclass
from pathlib import Path

from appliance.errors import Failed, Text
from network.zones import Plan

_ROOT = Path("/proc/sys")


class SettingRefused(Failed):
    """The kernel does not hold the wanted value."""

    code = "network.setting_refused"
    text = Text("内核参数 {key} 应为 {wanted}，实为 {held}", "{key} should be {wanted}, is {held}")


@dataclass(frozen=True)
class Setting:
    """One key with its value; an `optional` one may be absent, its module is then not loaded."""

    key: str
    value: str
    optional: bool = False


def wanted(plan: Plan) -> tuple[Setting, ...]:
    """Return all settings of `plan`; the bridges must exist for theirs."""
    bridge_calls = ("iptables", "ip6tables", "arptables")
    return (
        Setting("net.ipv4.ip_forward", "0"),
        Setting("net.ipv6.conf.all.forwarding", "0", optional=True),
        # With these at 1 the forward drop would kill traffic inside one zone.
        *(Setting(f"net.bridge.bridge-nf-call-{c}", "0", optional=True) for c in bridge_calls),
        *(
            Setting(f"net.ipv6.conf.{where}.{key}", value, optional=True)
            for where in ("default", *(zone.bridge for zone in plan.zones))
            for key, value in (("accept_ra", "0"), ("autoconf", "0"))
        ),
        *(Setting(f"net.ipv6.conf.{zone.bridge}.disable_ipv6", "1", optional=True) for zone in plan.zones),
    )  # fmt: skip


def apply(plan: Plan) -> None:
    """Write every setting, then read every one back; raises `SettingRefused`."""
    for setting in wanted(plan):
        path = _path(setting)
        if held(setting) != setting.value and (path.exists() or not setting.optional):
            path.write_text(setting.value, "ascii")
    for setting, value in wrong(plan):
        raise SettingRefused(key=setting.key, wanted=setting.value, held=value)


def wrong(plan: Plan) -> list[tuple[Setting, str | None]]:
    """Return the settings that are not as wanted, each with the value held (None: not there)."""
    found = [(setting, held(setting)) for setting in wanted(plan)]
    return [
        (setting, value)
        for setting, value in found
        if value != setting.value and not (setting.optional and value is None)
    ]


def held(setting: Setting) -> str | None:
    """Return the kernel's value, or None when there is no such key."""
    try:
        return _path(setting).read_text("ascii").strip()
    except FileNotFoundError:
        return None


def _path(setting: Setting) -> Path:
    return _ROOT / setting.key.replace(".", "/")
