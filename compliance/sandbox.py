"""The commands that run the inspector, at home and on another node: a transient unit, read-only, its own account."""

from pathlib import Path

from compliance.answer import KINDS

PYTHON = "/usr/lib/hbox/venv/bin/python"
FOLDER = Path("/run/hbox-inspect")
OUT = FOLDER / "report.json"
# Not in the inspector's own folder: root writes this file and follows nothing it could have put there.
HANDED = Path("/run/hbox-inspect-handed.jsonl")
GIVEN = Path("/run/hbox-inspect-given.json")  # what people gave; the inspector only reads it
NODES = Path(
    "/run/hbox-inspect-nodes.json"
)  # the box's other nodes, and the keys they are known by
KNOWN_HOSTS = Path("/run/hbox-inspect-known-hosts")

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
    # The prologue too: its questions may take 15 s each, four at once.
    "TimeoutStartSec=120",
)


def argv(site: str, objects: str = "", given: str = "", key: str = "") -> list[str]:
    """Return the command (for root). It waits, passes progress on to stderr, and leaves `OUT`.

    With `key` (a file: our SSH key for them) the nodes of `NODES` are asked too.
    """
    of = f" {objects}" if objects else ""
    command = _unit("hbox-inspect", 300, of, "compliance.inspect", "--out", str(OUT))
    command += ["--handed", str(HANDED), "--site", site]
    command += ["--given", given] if given else []
    if key:
        command += ["--nodes", str(NODES), "--key", key, "--known-hosts", str(KNOWN_HOSTS)]
    return command + (["--objects", objects] if objects else [])


def answering() -> list[str]:
    """Return the command (for root) by which a node answers for itself; nothing in it can be chosen."""
    kinds = ",".join(KINDS)
    return _unit("hbox-answer", 120, f" {kinds}", "compliance.answer", "--handed", str(HANDED))


def _unit(name: str, seconds: int, of: str, module: str, *words: str) -> list[str]:
    command = [
        "/usr/bin/systemd-run", f"--unit={name}", "--collect", "--wait", "--pipe", "--quiet"
    ]  # fmt: skip
    prologue = f"ExecStartPre=+{PYTHON} -I -m compliance.privileged {HANDED}{of}"
    for one in (*_PROPERTIES, f"RuntimeMaxSec={seconds}", prologue):
        command += ["--property", one]
    return [*command, PYTHON, "-I", "-m", module, *words]
