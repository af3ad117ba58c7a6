"""A vendor's source tree: where its parts lie, and what is wrong with it before it is packed.

module.toml  <id>.service  pyproject.toml  requirements.txt  src/<package>/__main__.py  tests/
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BoxError
from appliance.sdk import manifest, unit
from appliance.sdk.errors import SourceInvalid
from appliance.sdk.manifest import Manifest

_PINNED = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+-]+(\s+--hash=sha256:[0-9a-f]{64})+"
)


@dataclass(frozen=True)
class Source:
    """A source tree whose manifest could be read."""

    root: Path
    manifest: Manifest

    @property
    def manifest_file(self) -> Path:
        """The manifest."""
        return self.root / "module.toml"

    @property
    def unit_file(self) -> Path:
        """The systemd unit."""
        return self.root / f"{self.manifest.id}.service"

    @property
    def requirements(self) -> Path:
        """The pinned dependencies."""
        return self.root / "requirements.txt"


def read(root: Path) -> Source:
    """Return the source tree at `root`; raises `SourceInvalid` or `ManifestInvalid`."""
    return Source(root, manifest.parse(_text(root / "module.toml").encode()))


def lint(root: Path) -> list[BoxError]:
    """Return everything that is wrong with the tree at `root`; an empty list means it may be packed."""
    try:
        source = read(root)
    except BoxError as error:
        return [error]
    checks: tuple[Callable[[Source], None], ...] = (_unit, _project, _requirements, _package)
    return list(_raised(source, checks))


def _raised(source: Source, checks: tuple[Callable[[Source], None], ...]) -> Iterator[BoxError]:
    for check in checks:
        try:
            check(source)
        except BoxError as error:
            yield error


def _unit(source: Source) -> None:
    unit.check(_text(source.unit_file), source.manifest)


def _project(source: Source) -> None:
    path = source.root / "pyproject.toml"
    try:
        project = tomllib.loads(_text(path)).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, "不是合格的 TOML", str(error)) from error
    run = source.manifest.run.package
    if re.sub(r"[-_.]+", "_", str(project.get("name", ""))).lower() != run:
        raise _wrong(
            path, f"project.name 须为 {run}", f"project.name must be {run} (or with hyphens)"
        )
    if project.get("version") != source.manifest.version:
        raise _wrong(
            path,
            "project.version 须与清单版本相同",
            "project.version must be the manifest's version",
        )


def _requirements(source: Source) -> None:
    text = _text(source.requirements).replace("\\\n", " ")
    for line in text.splitlines():
        bare = line.split(" #")[0].strip()
        if bare and not bare.startswith("#") and not _PINNED.fullmatch(bare):
            raise _wrong(
                source.requirements,
                f"每个依赖须写明 名称==版本 和 --hash：{bare[:60]}",
                f"each line must be name==version with --hash: {bare[:60]}",
            )


def _package(source: Source) -> None:
    _text(source.root / "src" / source.manifest.run.package / "__main__.py")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise _wrong(path, "缺少该文件", "the file is missing") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path, "无法读取", f"cannot be read: {error}") from error


def _wrong(path: Path, zh: str, en: str) -> SourceInvalid:
    return SourceInvalid(what=path.name, why_zh=zh, why_en=en)
