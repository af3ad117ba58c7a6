"""Runs AIDE as the box's units do: learn the files once, look daily, renew on purpose; all of it on record.

    python -I -m appliance.integrity baseline|check|renew

What a look found lies in /var/log/aide/aide.log (its last one), what a renewal took over in
renewed-<time>.log beside it. Each run tells syslog the digest of its database: a database that
somebody exchanged is another one than the log store heard of.
"""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance import clock
from appliance.errors import Failed, Text
from appliance.files import write_atomically
from appliance.host import Host, LocalHost
from appliance.syslog import Syslog

CONFIG = "/etc/aide/aide.conf"
LONGEST = 3000.0  # seconds
_FOUND = (
    7  # exit codes 1, 2 and 4 together: entries were added, removed, changed; above it, an error
)
_COUNTED = re.compile(r"^\s*(Added|Removed|Changed) entries:\s+(\d+)", re.MULTILINE)


class AideFailed(Failed):
    """AIDE could not do its work."""

    code = "integrity.aide_failed"
    text = Text("完整性检查未能完成（{exit}）：{why}", "AIDE ended with {exit}: {why}")


@dataclass(frozen=True)
class Place:
    """Folders of the databases and of the reports."""

    database: Path = Path("/var/lib/aide")
    reports: Path = Path("/var/log/aide")


def baseline(host: Host, place: Place) -> str:
    """Learn how the files are, then look once; return what is told. A database that is there stays."""
    if not (place.database / "aide.db").exists():
        _aide(host, "--init")
        _take(place)
    return f"baseline made, {_digest(place)}; {check(host, place)}"


def check(host: Host, place: Place) -> str:
    """Hold the files against the database; the report replaces the last one."""
    report = _aide(host, "--check")
    _keep(place.reports / "aide.log", report)
    return f"{summary(report)}; {_digest(place)}"


def renew(host: Host, place: Place) -> str:
    """Take over how the files are now. What differs from before is kept for good, and told.

    Where there is no database none is made: that is `baseline`'s, which is asked for on purpose.
    """
    if not (place.database / "aide.db").exists():
        return "nothing renewed: there is no database, and whoever took it away is not helped by a new one"
    report = _aide(host, "--update")
    _keep(place.reports / f"renewed-{clock.now():%Y%m%dT%H%M%SZ}.log", report)
    before = _digest(place)
    _take(place)
    return f"renewed: took over {summary(report)}; was {before}, now {_digest(place)}; {check(host, place)}"


def summary(report: str) -> str:
    """Return what a report counts, e.g. `added 1, removed 0, changed 2`."""
    counted = dict.fromkeys(("Added", "Removed", "Changed"), 0)
    counted |= {what: int(number) for what, number in _COUNTED.findall(report)}
    return ", ".join(f"{what.lower()} {number}" for what, number in counted.items())


def _aide(host: Host, verb: str) -> str:
    done = host.run(["aide", f"--config={CONFIG}", verb], timeout=LONGEST, check=False)
    if done.code > _FOUND or done.code < 0:
        raise AideFailed(exit=done.code, why=done.err.decode("utf-8", "replace")[-500:])
    return done.text


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Wait until no other run is under way: two of them would write one new database, and a renewal needs the baseline."""
    descriptor = os.open(place.database, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _take(place: Place) -> None:
    new = place.database / "aide.db.new"
    new.chmod(0o600)
    new.replace(place.database / "aide.db")


def _keep(path: Path, report: str) -> None:
    write_atomically(path, report.encode(), mode=0o640)
    shutil.chown(path, group=path.parent.group())


def _digest(place: Place) -> str:
    with (place.database / "aide.db").open("rb") as file:
        return f"database sha256 {hashlib.file_digest(file, 'sha256').hexdigest()}"


def main() -> int:
    """Do what the command line says, and tell syslog; findings are a warning."""
    verbs = {"baseline": baseline, "check": check, "renew": renew}
    parser = argparse.ArgumentParser(prog="appliance.integrity", description=__doc__)
    parser.add_argument("verb", choices=sorted(verbs))
    place = Place()
    with alone(place):
        said = verbs[parser.parse_args().verb](LocalHost(), place)
    quiet = "added 0, removed 0, changed 0" in said and "took over" not in said
    Syslog(tag="hbox-integrity").send(said, "info" if quiet else "warning")
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
