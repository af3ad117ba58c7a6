"""What a module's systemd unit must and must not say; checked by the vendor's lint and by the box."""

from appliance.sdk.errors import UnitInvalid
from appliance.sdk.manifest import Manifest

# Lines of [Service] that must stand there with exactly this value.
REQUIRED = {
    "DynamicUser": ("yes", "true", "1"),
    "NoNewPrivileges": ("yes", "true", "1"),
    "ProtectSystem": ("strict",),
    "ProtectHome": ("yes", "true", "1"),
    "PrivateTmp": ("yes", "true", "1"),
}
# Keys a unit may hold at all: a list of what is harmless is safer than one of what is not.
ALLOWED = {
    "Unit": {"Description", "Documentation", "After", "Wants"},
    "Service": {
        *REQUIRED, "Type", "Environment", "ExecStart", "Restart", "RestartSec", "StateDirectory",
        "StateDirectoryMode", "CacheDirectory", "LoadCredential", "TimeoutStartSec", "TimeoutStopSec",
        "PrivateDevices", "PrivateUsers", "ProtectKernelTunables", "ProtectKernelModules",
        "ProtectKernelLogs", "ProtectControlGroups", "ProtectClock", "ProtectHostname", "ProtectProc",
        "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
        "LockPersonality", "MemoryDenyWriteExecute", "SystemCallArchitectures", "SystemCallFilter",
        "CapabilityBoundingSet", "UMask", "LimitNOFILE", "TasksMax", "MemoryMax", "RemoveIPC",
    },
    "Install": {"WantedBy"},
}  # fmt: skip
CONFIG_CREDENTIAL = "config"


def check(text: str, manifest: Manifest) -> None:
    """Raise `UnitInvalid` unless `text` is a unit that this module may bring."""
    sections = _parsed(text)
    service = dict(sections.get("Service", ()))
    for key, values in REQUIRED.items():
        if service.get(key) not in values:
            _refuse(f"缺少 {key}={values[0]}", f"{key}={values[0]} is required")
    _exact(service, "ExecStart", f"/usr/bin/python3 -m {manifest.run.package}")
    _exact(service, "StateDirectory", f"hbox-module/{manifest.id}")
    _exact(service, "LoadCredential", f"{CONFIG_CREDENTIAL}:{config_path(manifest.id)}")
    if service.get("CapabilityBoundingSet", "") != "":
        _refuse("不允许任何能力", "CapabilityBoundingSet must be empty")
    if dict(sections.get("Install", ())).get("WantedBy") != "multi-user.target":
        _refuse("缺少 WantedBy=multi-user.target", "WantedBy=multi-user.target is required")


def config_path(module: str) -> str:
    """Return where the module's settings lie in its guest."""
    return f"/etc/hbox/modules/{module}.json"


def _exact(service: dict[str, str], key: str, value: str) -> None:
    if service.get(key) != value:
        _refuse(f"{key} 必须是 {value}", f"{key} must be {value}")


def _parsed(text: str) -> dict[str, list[tuple[str, str]]]:
    # systemd ends a line at CR and NUL too, and at no other sign of Unicode; we must see its lines.
    if any(not (c.isprintable() or c in "\n\t") for c in text):
        _refuse("含有不可见字符", "there is a character that cannot be seen")
    sections: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for line in text.split("\n"):
        bare = line.strip()
        if not bare or bare.startswith(("#", ";")):
            continue
        if bare.startswith("["):
            section = bare[1:-1]
            if section not in ALLOWED or bare != f"[{section}]":
                _refuse(f"不允许的段 {bare[:80]}", f"no section of a module's unit: {bare[:80]}")
            sections.setdefault(section, [])
        else:
            _add(sections, section, bare)
    return sections


def _add(sections: dict[str, list[tuple[str, str]]], section: str, line: str) -> None:
    key, separator, value = (part.strip() for part in line.partition("="))
    if not separator or line.endswith("\\"):
        _refuse(f"无法理解的一行：{line[:80]}", f"cannot read this line: {line[:80]}")
    if key not in ALLOWED.get(section, ()):
        _refuse(f"[{section}] 中不允许 {key}", f"{key} is not allowed in [{section}]")
    repeatable = key == "Environment"
    if not repeatable and any(known == key for known, _ in sections[section]):
        _refuse(f"{key} 重复", f"{key} stands twice")
    sections[section].append((key, value))


def _refuse(zh: str, en: str) -> None:
    raise UnitInvalid(why_zh=zh, why_en=en)
