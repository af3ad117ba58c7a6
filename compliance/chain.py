"""Recomputes the controller's audit chain and its seals from records and files; prints what it found as JSON.

python -I -m compliance.chain [STATE]
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from appliance.audit import ChainBroken, Entry, Seal, check_seal, verify
from appliance.errors import BoxError
from appliance.settings import Settings, load
from appliance.signing import VerifyKey
from compliance.records import RecordsUnread, values

_QUERY = "SELECT number, at, actor, role, act, object, detail, outcome, previous, hash FROM audit ORDER BY number"


def examine(settings: Settings) -> dict[str, object]:
    """Return entries, head, sealed (number of the last good seal), faults, and why it is unreadable."""
    found: dict[str, object] = {
        "entries": 0,
        "head": "",
        "sealed": 0,
        "seals": 0,
        "faults": [],
        "unreadable": "",
    }
    try:
        state = settings.state
        entries = [Entry(*row) for row in values(settings, _QUERY)]
        seals = _seals(state / "audit" / "seals.jsonl")
        key = VerifyKey.from_pem((state / "keys" / "audit.key.pub").read_bytes())
    except (OSError, RecordsUnread, ValueError, TypeError, BoxError) as error:
        return {**found, "unreadable": f"{type(error).__name__}: {error}"}
    faults = []
    try:
        found["head"] = verify(entries)
    except ChainBroken as error:
        faults.append(error.message.en)
    for seal in seals:
        faults += _against(seal, entries, key)
    sealed = max((seal.number for seal in seals), default=0)
    return {
        **found,
        "entries": len(entries),
        "seals": len(seals),
        "sealed": sealed,
        "faults": faults,
    }


def _against(seal: Seal, entries: list[Entry], key: VerifyKey) -> list[str]:
    """Return what is wrong with one seal: its signature, or the chain no longer reaching its head."""
    try:
        check_seal(seal, key)
    except (BoxError, ValueError) as error:
        return [str(error)]
    if seal.number > len(entries):
        return [f"sealed at {seal.number} entries, only {len(entries)} are there"]
    if seal.number and entries[seal.number - 1].hash != seal.head:
        return [f"entry {seal.number} is not the one that was sealed"]
    return []


def _seals(file: Path) -> list[Seal]:
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return [Seal(**json.loads(line)) for line in lines if line.strip()]


def main(arguments: list[str]) -> int:
    """Print the finding; exit 0 when the chain was read and holds, 1 otherwise."""
    settings = load()
    found = examine(replace(settings, state=Path(arguments[0])) if arguments else settings)
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    return 1 if found["faults"] or found["unreadable"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
