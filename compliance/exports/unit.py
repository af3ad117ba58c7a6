"""The command that makes one form on the box: a transient unit with an account of its own and nothing else.

What it is given may hold anything that a broken-in machine answered, so it gets no network, no device, no
file of the box but the programs, and an end in time and memory.
"""

from compliance.exports.process import SECONDS
from compliance.sandbox import PYTHON

LIMIT = 300.0  # seconds that the caller waits; the unit ends before

_PROPERTIES = (
    "DynamicUser=yes",
    "PrivateNetwork=yes",
    "RestrictAddressFamilies=AF_UNIX",  # systemd-run knows no "none"; there is no socket to reach
    "IPAddressDeny=any",
    "CapabilityBoundingSet=",
    "PrivateDevices=yes",
    "ProtectHome=yes",
    "ProtectProc=invisible",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "LockPersonality=yes",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
    "InaccessiblePaths=-/var/lib/hbox -/etc/hbox -/run/hbox -/run/dbus -/run/libvirt",
    "UMask=0077",
    "MemoryMax=1536M",
    "MemorySwapMax=0",
    "TasksMax=32",
    "OOMPolicy=kill",
    f"RuntimeMaxSec={SECONDS + 40}",
    "Environment=XDG_CACHE_HOME=/tmp",
)


def argv(form: str) -> list[str]:
    """Return the command (for root): the report goes to its standard input, the file comes out."""
    # Without a name: after a crash the next try must not wait for the last one's end.
    command = ["systemd-run", "--collect", "--wait", "--pipe", "--quiet"]
    command.append(f"--description=HBox report as {form}")
    for one in _PROPERTIES:
        command += ["--property", one]
    return [*command, PYTHON, "-I", "-m", "compliance.exports.process", form]
