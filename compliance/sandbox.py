"""The command that runs the inspector: a transient unit, read-only, with an account of its own."""

from pathlib import Path

PYTHON = "/usr/lib/hbox/venv/bin/python"
FOLDER = Path("/run/hbox-inspect")
OUT = FOLDER / "report.json"
# Not in the inspector's own folder: root writes this file and follows nothing it could have put there.
HANDED = Path("/run/hbox-inspect-handed.jsonl")
GIVEN = Path("/run/hbox-inspect-given.json")  # what people gave; the inspector only reads it

# It may read everything and change nothing but its own folder. The prologue (`+`: as root) puts the
# questions that need root, by a fixed list, before the inspector starts without those rights.
_PROPERTIES = (
    "User=hbox-inspect",
    # SQLite asks access(2), which knows no capabilities: without the group it cannot find the -wal file.
    "SupplementaryGroups=hbox",
    "InaccessiblePaths=-/run/hbox",
    "AmbientCapabilities=CAP_DAC_READ_SEARCH",
    "CapabilityBoundingSet=CAP_DAC_READ_SEARCH",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "RestrictSUIDSGID=yes",
    "RestrictNamespaces=yes",
    "LockPersonality=yes",
    "RuntimeDirectory=hbox-inspect",
    "RuntimeDirectoryMode=0750",
    "RuntimeDirectoryPreserve=yes",
    f"ExecStartPre=+{PYTHON} -I -m compliance.privileged {HANDED}",
    # The prologue too: its questions may take 15 s each, four at once.
    "TimeoutStartSec=120",
    "RuntimeMaxSec=300",
)


def argv(site: str, objects: str = "", given: str = "") -> list[str]:
    """Return the command (for root). It waits, passes progress on to stderr, and leaves `OUT`."""
    command = ["systemd-run", "--unit=hbox-inspect", "--collect", "--wait", "--pipe", "--quiet"]
    for one in _PROPERTIES:
        command += ["--property", one]
    command += [PYTHON, "-I", "-m", "compliance.inspect", "--out", str(OUT)]
    command += ["--handed", str(HANDED), "--site", site]
    command += ["--given", given] if given else []
    return command + (["--objects", objects] if objects else [])
