"""Checks the evidence of erasures from its file: every line's signature, the links between them, the read-backs.

python -I -m compliance.erased [STATE]
"""

import json
import sys
from pathlib import Path
from typing import Any

from appliance.canonical import canonical, digest
from appliance.errors import BoxError
from appliance.signing import VerifyKey


def examine(state: Path) -> dict[str, Any]:
    """Return lines, how many say `erased`, the jobs that erased, faults, and why it is unreadable."""
    found: dict[str, Any] = {"lines": 0, "erased": 0, "jobs": [], "faults": [], "unreadable": ""}
    path = state / "erasures" / "erased.jsonl"
    if not path.exists():
        return found
    try:
        key = VerifyKey.from_pem((state / "erasures" / "report.key.pub").read_bytes())
        lines = path.read_bytes().splitlines()
        said = [json.loads(line) for line in lines]
    except (OSError, ValueError, BoxError) as error:
        return {**found, "unreadable": f"{type(error).__name__}: {error}"}
    faults = []
    previous = digest(b"")
    for number, (line, one) in enumerate(zip(lines, said, strict=True), start=1):
        faults += [f"line {number}: {why}" for why in _wrong(one, number, previous, key)]
        previous = digest(line)
    begun = {(one["volume"], one["job_id"]) for one in said if one["what"] == "begun"}
    ended = {(one["volume"], one["job_id"]) for one in said if one["what"] != "begun"}
    faults += [f"never finished: {volume}" for volume, _ in sorted(begun - ended)]
    erased = sum(one["what"] == "erased" for one in said)
    jobs = sorted({one["job_id"] for one in said if one["what"] in ("erased", "lost")})
    return {**found, "lines": len(lines), "erased": erased, "jobs": jobs, "faults": faults}


def _wrong(one: dict[str, Any], number: int, previous: str, key: VerifyKey) -> list[str]:
    wrong = []
    if one.get("number") != number or one.get("previous") != previous:
        wrong.append("does not follow the one before it")
    body = {name: value for name, value in one.items() if name != "signature"}
    try:
        key.verify(bytes.fromhex(one.get("signature", "")), canonical(body), what="evidence")
    except (BoxError, ValueError):
        wrong.append("its signature does not hold")
    if one.get("what") == "erased" and one.get("verified") is False:
        wrong.append(f"{one.get('volume')} was not read back")
    return wrong


def main(arguments: list[str]) -> int:
    """Print the finding; exit 0 when the evidence was read and holds, 1 otherwise."""
    found = examine(Path(arguments[0] if arguments else "/var/lib/hbox"))
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    return 1 if found["faults"] or found["unreadable"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
