"""What there is: engines, disks, files and records in one comparable value, without times and job ids."""

import json
from pathlib import Path
from typing import Any

from appliance.host import LocalHost
from controller.records.session import reading
from controller.records.tables import Base
from tests.crash.world import World

_JOBS = {"jobs", "job_steps", "job_lines", "audit", "idempotency_keys", "logins"}
_PASSING = {"version", "job_id", "at", "seconds", "since", "resizing", "placement"}
# Uploads are not here: what is left of them is swept after a day.
_FOLDERS = ("gateway", "templates", "signatures", "tls", "consoles", "attachments")


def picture(world: World, ignored: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Everything a job may leave behind; `ignored` are `table.column`s that differ each time."""
    return {
        "engines": _engines(world.folder / "engines"),
        "disks": {
            f"{p.name}/{n}": v
            for p in sorted(world.folder.glob("volumes-*"))
            for n, v in _disks(p).items()
        },
        "files": _files(world.folder),
        "nodes": _contents(world.folder / "roots"),
        "records": _records(world, ignored),
    }


def _engines(root: Path) -> dict[str, Any]:
    found = {}
    for file in sorted(root.glob("*/*.json")):
        held = json.loads(file.read_text("utf-8"))
        held.pop("since", None)
        found[f"{file.parent.name}/{file.stem}"] = held
    return found


def _disks(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        name = str(file.relative_to(root))
        found[name] = _image(file) if file.suffix == ".qcow2" else None
    return found


def _image(file: Path) -> list[Any]:
    argv = ["qemu-img", "info", "-U", "--output=json", str(file)]
    said = json.loads(LocalHost().run(argv).out)
    kept = sorted(s["name"] for s in said.get("snapshots", ()))
    return [said["virtual-size"], said.get("backing-filename"), kept]


def _files(state: Path) -> list[str]:
    return sorted(
        str(p.relative_to(state))
        for name in _FOLDERS
        for p in (state / name).rglob("*")
        if p.is_file()
    )


def _contents(root: Path) -> dict[str, list[Any]]:
    """What lies on the nodes: bytes and mode of every file."""
    return {
        str(p.relative_to(root)): [p.read_bytes().hex(), p.stat().st_mode]
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def _records(world: World, ignored: frozenset[str]) -> dict[str, list[dict[str, Any]]]:
    found = {}
    with reading(world.engine) as session:
        for table in Base.metadata.sorted_tables:
            if table.name in _JOBS:
                continue
            columns = [c for c in table.columns if not _passing(table.name, c.name, ignored)]
            rows = [
                {c.name: value for c, value in zip(columns, row, strict=True)}
                for row in session.execute(table.select().with_only_columns(*columns))
            ]
            found[table.name] = sorted(rows, key=str)
    return found


def _passing(table: str, column: str, ignored: frozenset[str]) -> bool:
    return column in _PASSING or column.endswith("_at") or f"{table}.{column}" in ignored


def orphans(world: World) -> list[str]:
    """Whatever nobody owns: machines, disks, rows, locks and leases without their other half."""
    from sqlalchemy import select  # noqa: PLC0415 - keeps the imports above to what a picture needs

    from controller.records.tables import Job, Vm, Volume  # noqa: PLC0415

    with reading(world.engine) as session:
        vms = {row.id: row for row in session.scalars(select(Vm))}
        volumes = {row.id: row for row in session.scalars(select(Volume))}
        jobs = list(session.scalars(select(Job)))
    found = [f"job {job.number} {job.state} {job.worker} {job.lease_until}" for job in jobs
             if job.worker or job.lease_until or job.state in ("running", "undoing")]  # fmt: skip
    found += [f"ledger {p.name}" for p in (world.folder / "worker").glob("*.jsonl")]
    for file in (world.folder / "engines").glob("*/*.json"):
        row = vms.get(file.stem)
        if row is None or row.node != file.parent.name:
            found.append(f"domain {file.parent.name}/{file.stem}")
    owners = set(vms) | {name.partition("/")[0] for name in volumes}
    for folder in world.folder.glob("volumes-*/*"):
        if folder.name not in {".images", *owners} and any(folder.iterdir()):
            found.append(f"disk {folder.parent.name}/{folder.name}")
    for vm in vms.values():
        if vm.actual != vm.wished:
            found.append(f"vm {vm.name} wished {vm.wished} actual {vm.actual}")
    return found


def differences(left: Any, right: Any, at: str = "") -> list[str]:
    """Where two pictures differ, one line each."""
    if isinstance(left, dict) and isinstance(right, dict):
        keys = sorted({*left, *right})
        return [d for k in keys for d in differences(left.get(k), right.get(k), f"{at}/{k}")]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{at}[{i}]")]
    return [] if left == right else [f"{at}: {left!r} != {right!r}"[:600]]
