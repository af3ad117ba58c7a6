"""image.json: what an image was made from, what is inside it, and the SHA-256 of its files."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from appliance.clock import iso
from images import inventory
from images.inventory import Package

NAME = "image.json"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Record:
    """The identity of one image. `key` is its place in the cache, `sha256` maps file to digest."""

    name: str
    key: str
    made: str
    sha256: Mapping[str, str]
    packages: Sequence[Package]
    cmdline: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)


def write(
    folder: Path,
    record: Record,
) -> None:
    """Write image.json and sbom.cdx.json into `folder`."""
    plain = {
        "name": record.name,
        "key": record.key,
        "made": record.made,
        "cmdline": record.cmdline,
        "parts": dict(record.parts),
        "sha256": dict(record.sha256),
        "packages": [[p.kind, p.name, p.version, p.arch] for p in record.packages],
    }
    bill = inventory.bill(record.name, record.key, record.packages)
    (folder / "sbom.cdx.json").write_text(json.dumps(bill, indent=1), "utf-8")
    (folder / NAME).write_text(json.dumps(plain, indent=1), "utf-8")


def read(folder: Path) -> Record:
    """Read the image.json of `folder`."""
    plain = json.loads((folder / NAME).read_text("utf-8"))
    packages = [Package(*row) for row in plain.pop("packages")]
    return Record(packages=packages, **plain)


def tell_changes(former: Path | None, folder: Path) -> None:
    """Say which packages differ from those of the image in `former`; keep it as changes.txt."""
    if former is None:
        return
    lines = inventory.difference(read(former).packages, read(folder).packages)
    head = (
        f"{read(folder).name}: {len(lines)} 个软件包有变化 / package(s) changed since {former.name}"
    )
    text = "\n".join([head, *(f"  {line}" for line in lines)]) + "\n"
    (folder / "changes.txt").write_text(text, "utf-8")
    sys.stderr.write(text)


def new(name: str, key: str, packages: Sequence[Package]) -> Record:
    """Return a record of something made now, as yet without files."""
    return Record(
        name=name, key=key.removeprefix(".new-"), made=iso(), sha256={}, packages=packages
    )


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file that may be larger than memory."""
    running = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            running.update(block)
    return running.hexdigest()


def with_files(
    plain: Record, files: Mapping[str, Path], *, parts: Mapping[str, str], cmdline: str = ""
) -> Record:
    """Return `plain` with the digests of `files`, what it was made of, and its kernel command line."""
    sums = {name: file_digest(path) for name, path in files.items()}
    return replace(plain, sha256=sums, parts=dict(parts), cmdline=cmdline)
