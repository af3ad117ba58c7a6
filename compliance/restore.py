"""Keeps what a node was like before it is mended, and puts it back: by itself, by a timer, or when asked.

    python -I -m compliance.restore FOLDER             put back what FOLDER/before.json holds
    python -I -m compliance.restore FOLDER --keep      keep it: {"patterns", "units"} on standard input
    python -I -m compliance.restore FOLDER --compare   say what differs from it now
    python -I -m compliance.restore FOLDER --digests   say digests of what FOLDER/before.json covers
    python -I -m compliance.restore --armed            put back all that is armed: the node was cut off

Answers in JSON on standard output. FOLDER/fired says that it was put back (by whomever).
"""

import argparse
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.errors import BoxError
from appliance.files import write_atomically
from appliance.host import Host, LocalHost
from compliance.before import FORMAT, KERNEL, capture, differences, hits, put_back
from compliance.remedies.model import ADDRESSES, BRIDGES, MADE, MODES, RULES

PLACE = "/var/lib/hbox/mending"
BEFORE, FIRED, ARMED = "before.json", "fired", "armed"
_PATIENCE = 60.0  # seconds for one call of systemctl


def main(arguments: list[str] | None = None, host: Host | None = None) -> int:
    """Do what the command line says; 0 when all of it was done."""
    asked = _parser().parse_args(arguments)
    machine = host or LocalHost()
    if asked.armed:
        told: Any = list(_armed(machine, asked.root))
    elif asked.keep:
        told = keep(asked.folder, json.load(sys.stdin), machine, asked.root)
    elif asked.compare or asked.digests:
        told = look(asked.folder, machine, asked.root, digests=asked.digests)
    else:
        told = restore(asked.folder, machine, asked.root)
    json.dump(told, sys.stdout)
    return int(asked.armed and any("failed" in one for one in told))


def _armed(host: Host, root: str) -> Iterator[dict[str, Any]]:
    """Put back all that is armed. One that cannot be read (the power went in mid-write) stops no other."""
    for path in sorted(Path(root + PLACE).glob(f"*/{ARMED}")):
        try:
            yield restore(path.parent, host, root)
        except (BoxError, OSError, ValueError, LookupError) as error:
            yield {"folder": str(path.parent), "failed": f"{type(error).__name__}: {error}"}


def keep(folder: Path, asked: dict[str, Any], host: Host, root: str = "") -> dict[str, Any]:
    """Write FOLDER/before.json, on disk before anything is changed; return it without the guard.

    `patterns` are what will be written; `guard` what must not be, which is put back all the same.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    held = {
        "format": FORMAT,
        **_part(asked["patterns"], root, asked.get("known", ())),
        "units": _states(host, asked["units"]),
        "made": [one for one in asked["patterns"] if one.startswith(MADE) and not _made(one, root)],
        "rules": _rules(host, asked["patterns"]),
        "addresses": _addresses(host, asked["patterns"]),
    }
    whole = {**held, "guard": _part(asked["guard"], root)}
    write_atomically(folder / BEFORE, json.dumps(whole).encode(), mode=0o600)
    (folder / FIRED).unlink(missing_ok=True)
    return held


def look(folder: Path, host: Host, root: str = "", *, digests: bool) -> dict[str, Any]:
    """Return what differs from before (path -> how), or digests of what was to be written."""
    held = _held(folder)
    if digests:
        return _now(held, root)
    moved: dict[str, str] = {}
    for part in _parts(held):
        moved |= differences(part["entries"], _now(part, root))
    if _rules(host, held["patterns"]) != held["rules"]:
        moved[RULES] = "changed"
    if _addresses(host, held["patterns"]) != _addresses_kept(held):
        moved[ADDRESSES] = "changed"
    return dict(sorted(moved.items()))


def restore(folder: Path, host: Host, root: str = "") -> dict[str, Any]:
    """Put everything back, then the units; return what was not as it had been. A second time changes nothing."""
    with _alone(folder):
        held = _held(folder)
        moved = [path for one in held.get("made", ()) for path in _unmake(host, one, root)]
        left: dict[str, str] = {}
        for part in _parts(held):
            moved += put_back(part["entries"], part["patterns"], root=root)
            left |= differences(part["entries"], _now(part, root))
        write_atomically(folder / FIRED, b"", mode=0o600)
        (folder / ARMED).unlink(missing_ok=True)
        stopped = _units(host, held["units"], moved)
        # After the units: one of them may set switches and lay the filter anew, and what was there counts.
        moved += _switches(held, root)
        if _rules(host, held["patterns"]) != held["rules"]:
            moved.append(RULES)
            text = f"flush ruleset\n{held['rules']}"
            host.run(["nft", "-f", "-"], stdin=text.encode(), timeout=_PATIENCE)
        moved += _address_anew(host, held)
    return {"moved": sorted(set(moved)), "left": left, "units": stopped}


def _part(patterns: Sequence[str], root: str, known: Sequence[str] = ()) -> dict[str, Any]:
    """Keep the patterns, and of `known` paths that none of them finds any more at least owner and mode."""
    found = capture(patterns, root=root)
    beside = [f"{MODES}{path}" for path in known if path not in found]
    return {"patterns": list(patterns), "entries": {**capture(beside, root=root), **found}}


def _parts(held: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the guard, where it is kept, then what was to be written."""
    return [*([held["guard"]] if "guard" in held else []), held]


def _now(part: dict[str, Any], root: str) -> dict[str, Any]:
    return capture(part["patterns"], root=root, data=False, known=part["entries"])


def _switches(held: dict[str, Any], root: str) -> list[str]:
    """Put back what the kernel itself holds as files; return what was not as it had been."""
    entries = {path: one for path, one in held["entries"].items() if path.startswith(KERNEL)}
    return put_back(entries, [p for p in held["patterns"] if p.startswith(KERNEL)], root=root)


def _made(pattern: str, root: str) -> list[str]:
    return hits(root, pattern.removeprefix(MADE).partition(":")[2])


def _unmake(host: Host, pattern: str, root: str) -> list[str]:
    """Stop the unit that makes it, and take away what it made: nothing was there. Return what went."""
    _systemctl(host, "stop", pattern.removeprefix(MADE).partition(":")[0])
    gone = _made(pattern, root)
    for path in gone:
        Path(root + path).unlink(missing_ok=True)
    return gone


def _units(host: Host, wanted: dict[str, str], moved: Sequence[str]) -> list[str]:
    """Bring the units back to how they were; return those that would not."""
    if any(path.startswith(("/etc/systemd/", "/run/systemd/")) for path in moved):
        _systemctl(host, "daemon-reload")
    # A socket first: it does not open beside a service that runs, and starts one that is stopped before it.
    for unit in sorted(wanted, key=lambda one: not one.endswith(".socket")):
        if wanted[unit] == "active":
            _systemctl(host, "reset-failed", unit)
            _systemctl(host, "reload-or-restart" if moved else "start", unit)
    for unit in _unlike(host, wanted):
        if wanted[unit] != "active":
            _systemctl(host, "stop", unit)
    return _unlike(host, wanted)


def _unlike(host: Host, wanted: Mapping[str, str]) -> list[str]:
    now = _states(host, list(wanted))
    return [u for u, state in wanted.items() if (now[u] == "active") != (state == "active")]


def _rules(host: Host, patterns: Sequence[str]) -> str:
    """Return the packet filter without its counters, as nft takes it again; "" where it is of no concern."""
    if RULES not in patterns:
        return ""
    return host.run(["nft", "-s", "list", "ruleset"], timeout=_PATIENCE).text


def _addresses(host: Host, patterns: Sequence[str]) -> list[list[str]]:
    """Return the words by which `ip address add` gives the zones' bridges what they have."""
    if ADDRESSES not in patterns:
        return []
    links = json.loads(host.run(["ip", "-j", "address", "show"], timeout=_PATIENCE).out or b"[]")
    there = [(link["ifname"], one) for link in links for one in link.get("addr_info", [])]
    return [_words(name, one) for name, one in there if name in BRIDGES]


def _words(bridge: str, one: dict[str, Any]) -> list[str]:
    more = [word for key in ("broadcast", "scope") if key in one for word in (key, str(one[key]))]
    return [f"{one['local']}/{one['prefixlen']}", *more, "dev", bridge]


def _addresses_kept(held: dict[str, Any]) -> list[list[str]]:
    """Return what was kept of them: nothing where that was before they were."""
    kept: list[list[str]] = held.get("addresses", [])
    return kept


def _address_anew(host: Host, held: dict[str, Any]) -> list[str]:
    """Bring the bridges' addresses back; return whether they were others."""
    now = _addresses(host, held["patterns"])
    wanted = _addresses_kept(held)
    for verb, words in (
        *(("del", one) for one in now if one not in wanted),
        *(("add", one) for one in wanted if one not in now),
    ):
        host.run(["ip", "address", verb, *words], timeout=_PATIENCE, check=False)
    return [ADDRESSES] if now != wanted else []


def _states(host: Host, units: Sequence[str]) -> dict[str, str]:
    """Return how each unit is, all asked at once."""
    if not units:
        return {}
    argv = ["systemctl", "is-active", *units]
    said = host.run(argv, timeout=_PATIENCE, check=False).text.split()
    if len(said) != len(units):
        return dict.fromkeys(
            units, ""
        )  # systemd does not answer: what else there is goes back all the same
    # One that is reloading runs, and reads its settings anew.
    states = ["active" if one == "reloading" else one for one in said]
    return dict(zip(units, states, strict=True))


def _systemctl(host: Host, *words: str) -> None:
    host.run(["systemctl", *words], timeout=_PATIENCE, check=False)


def _held(folder: Path) -> dict[str, Any]:
    held: dict[str, Any] = json.loads((folder / BEFORE).read_bytes())
    return held


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compliance.restore", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where before.json lies")
    for name in ("keep", "compare", "digests", "armed"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--root", default="", help="lies before every path (tests)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
