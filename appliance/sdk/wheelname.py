"""Which wheels the box can run: pure Python, or CPython 3.13 / abi3 on x86-64 Linux (PEP 425, 427)."""

import re

from appliance.sdk.errors import WheelInvalid

_PYTHONS = re.compile(r"py3|py2\.py3|cp3(\d{1,2})(?:\.cp3\d{1,2})*|py3\d{1,2}")
_PLATFORM = re.compile(r"manylinux(1|2010|2014|_2_\d{1,2})_x86_64")
_GLIBC = 41  # Debian 13 has glibc 2.41


def check(name: str) -> None:
    """Raise `WheelInvalid` unless the wheel file `name` can be installed on the box."""
    parts = name.removesuffix(".whl").split("-")
    if not name.endswith(".whl") or len(parts) not in (5, 6):
        raise WheelInvalid(name=name, why_zh="不是 wheel 文件名", why_en="not a wheel's file name")
    python, abi, platform = parts[-3:]
    if not _PYTHONS.fullmatch(python):
        raise WheelInvalid(name=name, why_zh=f"Python 标记 {python}", why_en=f"python tag {python}")
    pure = abi == "none" and platform == "any" and "py3" in python
    if not pure and not (_native_abi(python, abi) and _linux(platform)):
        raise WheelInvalid(
            name=name,
            why_zh=f"ABI 或平台 {abi}-{platform}",
            why_en=f"abi or platform {abi}-{platform}",
        )


def _native_abi(python: str, abi: str) -> bool:
    if abi == "abi3":
        found = re.match(r"cp3(\d{1,2})", python)
        return found is not None and int(found[1]) <= 13
    return abi == "cp313" if python.startswith("cp") else abi == "none"


def _linux(platform: str) -> bool:
    for part in platform.split("."):
        found = _PLATFORM.fullmatch(part)
        if found and (not found[1].startswith("_2_") or int(found[1][3:]) <= _GLIBC):
            return True
    return False
