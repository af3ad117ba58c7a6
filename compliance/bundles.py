"""Verifies the box's copies of module bundles anew and says what each holds; prints it as JSON.

python -I -m compliance.bundles [STATE]
"""

import json
import sys
from pathlib import Path
from typing import Any

from appliance.errors import BoxError
from appliance.sdk import bundle, trust
from appliance.settings import Settings

_SUBSTANCE = ("sbom", "report", "design", "guide", "sarif", "scan", "test")


def examine(state: Path) -> dict[str, Any]:
    """Return for each bundle: id, version, digest, key, evidence, files by kind, and what is wrong with it."""
    folder = state / "modules"
    found: dict[str, Any] = {"bundles": [], "unreadable": ""}
    try:
        trusted = trust.load(folder / "trust.json")
        paths = sorted((folder / "bundles").glob("*.hmod"))
    except (OSError, BoxError) as error:
        return {**found, "unreadable": f"{type(error).__name__}: {error}"}
    found["bundles"] = [_one(path, trusted) for path in paths]
    return found


def _one(path: Path, trusted: trust.Trust) -> dict[str, Any]:
    try:
        held = bundle.verify(path, trusted, Settings.module_limit)
    except (BoxError, OSError, ValueError) as error:
        return {"file": path.name, "wrong": f"{type(error).__name__}: {error}"}
    manifest = held.manifest
    return {
        "file": path.name,
        "wrong": "",
        "id": manifest.id,
        "version": manifest.version,
        "digest": held.digest,
        "key": held.key,
        "controls": sorted({one.control for one in manifest.evidence}),
        "papers": sorted(name for name in held.files if _is_paper(name)),
        "wheels": sum(name.endswith(".whl") for name in held.files),
    }


def _is_paper(name: str) -> bool:
    """Whether a file by its name is one of the makers' papers; what runs is none, whatever it is called."""
    return not name.startswith("payload/") and any(word in name.lower() for word in _SUBSTANCE)


def main(arguments: list[str]) -> int:
    """Print the finding; exit 0 when every bundle holds, 1 otherwise."""
    found = examine(Path(arguments[0] if arguments else "/var/lib/hbox"))
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    return 1 if found["unreadable"] or any(one["wrong"] for one in found["bundles"]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
