"""Whole-disk ext4 images as qcow2, made from folders without loop devices or partitions."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from appliance.host import Host
from images.chroot import ALONE, Overlay

# Mounted in a namespace of its own; folders that exist keep their modes when files are added.
_SCRIPT = """set -eu
mount --make-rprivate /
root=$1; overlay=$2; more=$3; shift 3
if [ -n "$overlay" ]; then mount -t overlay overlay -o "$overlay" "$root"; fi
if [ -n "$more" ]; then
  tar -C "$more" -cf - . | tar -C "$root" --no-overwrite-dir --no-same-owner -xf -
fi
exec "$@"
"""


def ext4(
    host: Host,
    root: Path,
    target: Path,
    mib: int,
    *,
    overlay: Overlay | None = None,
    more: Path | None = None,
) -> None:
    """Write the tree `root` as an ext4 qcow2 of `mib` MiB to `target`.

    With `overlay` that is mounted at `root` first; the tree `more` is added on top.
    """
    raw = target.with_name(f"{target.name}.raw")
    options = overlay.options() if overlay else ""
    script = ["sh", "-c", _SCRIPT, "sh", str(root), options, str(more) if more else ""]
    make = [
        "mke2fs",
        "-q",
        "-t",
        "ext4",
        "-m",
        "0",
        "-L",
        "hbox",
        "-d",
        str(root),
        str(raw),
        f"{mib}M",
    ]
    try:
        host.run([*ALONE, *script, *make], timeout=1800)
        host.run(["qemu-img", "convert", "-O", "qcow2", str(raw), str(target)], timeout=1800)
    finally:
        raw.unlink(missing_ok=True)


def box(
    host: Host,
    layers: tuple[Path, ...],
    target: Path,
    *,
    mib: int,
    extra: Mapping[str, str] | None = None,
    copies: Mapping[str, Path] | None = None,
) -> None:
    """Write the box's merged `layers` (topmost first) to the qcow2 `target`.

    `extra` maps a path on the box to the text of a file, `copies` a folder on the box to one here.
    """
    work = target.with_name(f"{target.name}.work")
    for name in ("upper", "work", "merged", "more"):
        (work / name).mkdir(parents=True)
    try:
        for name, content in (extra or {}).items():
            path = work / "more" / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")
        for name, source in (copies or {}).items():
            shutil.copytree(source, work / "more" / name.lstrip("/"))
        overlay = Overlay(layers, work / "upper", work / "work")
        ext4(host, work / "merged", target, mib, overlay=overlay, more=work / "more")
    finally:
        shutil.rmtree(work)
