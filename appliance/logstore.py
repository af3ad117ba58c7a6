"""Keeps the box's log store: packs finished days, lets go of what is older than kept, plans the room.

    python -I -m appliance.logstore

The store holds /var/log/hbox-store/<node>/YYYY-MM-DD.log, the intrusion detector's records lie in
/var/log/suricata. Nothing younger than `KEPT_DAYS` is ever deleted: where the disk will not hold
that long, the plan says so in time, in plan.json and as a warning in syslog.
"""

import datetime as dt
import gzip
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance import clock
from appliance.files import write_atomically
from appliance.syslog import Syslog

STORE = Path("/var/log/hbox-store")
DETECTOR = Path("/var/log/suricata")
KEPT_DAYS = 200
"""Days that logs are kept: the law's six months (网络安全法 第二十一条), and some more."""
_LOOKED_AT = 14  # finished days from which the daily amount is taken
_SPARE = 0.1  # share of the disk that shall stay free
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})\.(?:log|json)(?:\.gz)?$")


@dataclass(frozen=True)
class Plan:
    """What the store needs and what there is. Bytes; `first` is the oldest day held."""

    first: str
    days: int
    held: int
    a_day: int
    needed: int
    free: int
    enough: bool


def plan(files: dict[str, int], today: dt.date, free: int, total: int) -> Plan:
    """Return the plan for `files`, day -> bytes held of it; pure.

    Needed is what `KEPT_DAYS` of days like the last ones take, less what is held already.
    """
    finished = sorted(day for day in files if day < today.isoformat())
    looked = finished[-_LOOKED_AT:] or sorted(files)
    a_day = sum(files[day] for day in looked) // max(1, len(looked))
    held = sum(files.values())
    needed = max(0, a_day * KEPT_DAYS - held)
    first = min(files, default=today.isoformat())
    enough = free - needed >= total * _SPARE
    return Plan(first, len(files), held, a_day, needed, free, enough)


def upkeep(folders: tuple[Path, ...], today: dt.date) -> list[str]:
    """Pack finished days and let go of those past their time; return the names of what went."""
    oldest = (today - dt.timedelta(days=KEPT_DAYS)).isoformat()
    gone = []
    for path, day in list(_files(folders)):
        if day < oldest:
            path.unlink()
            gone.append(str(path))
        elif path.suffix != ".gz" and day < (today - dt.timedelta(days=1)).isoformat():
            _pack(path)
    return gone


def look(folders: tuple[Path, ...], today: dt.date) -> Plan:
    """Return the plan for the folders as they are."""
    held: dict[str, int] = {}
    for path, day in _files(folders):
        held[day] = held.get(day, 0) + path.stat().st_size
    facts = os.statvfs(folders[0])
    return plan(held, today, facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize)


def _files(folders: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            found = _DAY.search(path.name)
            if found and path.is_file() and not path.is_symlink():
                yield path, found[1]


def _pack(path: Path) -> None:
    facts = path.stat()
    packed = path.with_name(f"{path.name}.gz")
    whole = path.with_name(f".{path.name}.gz.new")
    with path.open("rb") as source, gzip.open(whole, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    whole.chmod(facts.st_mode & 0o777)
    os.chown(whole, facts.st_uid, facts.st_gid)
    os.utime(whole, (facts.st_atime, facts.st_mtime))
    whole.replace(packed)
    path.unlink()


def main() -> int:
    """Do the day's work; a plan that does not hold is told as a warning."""
    folders = tuple(folder for folder in (STORE, DETECTOR) if folder.is_dir())
    if not folders:
        return 0
    today = clock.now().date()
    gone = upkeep(folders, today)
    made = look(folders, today)
    text = json.dumps(asdict(made), ensure_ascii=False)
    write_atomically(folders[0] / "plan.json", text.encode() + b"\n", mode=0o640)
    told = f"{len(gone)} files past {KEPT_DAYS} days let go; plan {text}"
    syslog = Syslog(tag="hbox-logstore")
    if made.enough:
        syslog.send(told)
    else:
        syslog.send(f"日志库容量不足以留存 {KEPT_DAYS} 天 too little room: {told}", "warning")
    sys.stdout.write(f"{told}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
