"""compliance.host: our host checks beside Lynis and OpenSCAP, on one node, over the same files, one after the other."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bench import compliance_peers as peers
from bench.figure import Figure
from bench.node import node
from compliance.sandbox import PYTHON
from images.lab import LabNode

RUNS = 3
_OURS = (
    f"{PYTHON} -I -m compliance.privileged /run/bench-handed.jsonl host && "
    f"{PYTHON} -I -m compliance.inspect --objects host --handed /run/bench-handed.jsonl --out /run/bench.json"
)

# What is broken, how it is mended, which of our checks must see it, and which Lynis tests may.
SEEDED = (
    ("useradd -M nopass && passwd -d nopass", "userdel nopass", "accounts", ("AUTH-9283",)),
    ("useradd -o -u 0 -M twin", "sed -i '/^twin:/d' /etc/passwd /etc/shadow /etc/group /etc/gshadow", "accounts_twin", ("AUTH-9204", "AUTH-9208")),
    ("echo 'MaxAuthTries 10' > /etc/ssh/sshd_config.d/00-seed.conf", "rm /etc/ssh/sshd_config.d/00-seed.conf", "sshd_limits", ("SSH-7408",)),
    ("chmod 644 /etc/shadow", "chmod 640 /etc/shadow", "file_modes", ("FILE-7524",)),
    ("touch /opt/stray && chmod 666 /opt/stray", "rm /opt/stray", "stray_files", ("FILE-6354", "FILE-7524")),
    ("cp /bin/bash /opt/seed && chmod 4755 /opt/seed", "rm /opt/seed", "setuid_files", ("FILE-7524",)),
    ("cp -a /etc/login.defs /run/s.defs && sed -i 's/^UMASK.*/UMASK 022/' /etc/login.defs", "cp -a /run/s.defs /etc/login.defs", "umask", ("AUTH-9328",)),
    ("cp -a /usr/bin/yes /run/s.yes && echo >> /usr/bin/yes", "cp -a /run/s.yes /usr/bin/yes", "package_files", ("PKGS-7387", "PKGS-7370", "FINT-4350")),
    ("systemd-run --quiet --unit=rpcbind sleep 900", "systemctl stop rpcbind", "unneeded_units", ("STRG-1920", "BOOT-5177", "INSE-8000")),
    ("useradd -u 1500 -M -s /usr/sbin/nologin left", "userdel left", "shells", ("AUTH-9234", "AUTH-9282", "AUTH-9288")),
    ("cp -a /etc/pam.d/common-auth /run/s.auth && sed -i '/faillock/d' /etc/pam.d/common-auth", "cp -a /run/s.auth /etc/pam.d/common-auth", "faillock", ("AUTH-9268", "AUTH-9230", "AUTH-9262")),
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """How many of the seeded violations each noticed, and which."""

    ours: tuple[str, ...]
    lynis: tuple[str, ...]
    oscap: int
    lynis_new: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        return {"of": len(SEEDED), **asdict(self)}


def run() -> list[Figure]:
    """Interleave ours and the peers, then break the node and see who notices."""
    with node() as box:
        versions = peers.install(box)
        stream = peers.content(box)
        scap = peers.oscap(stream, peers.profile(box, stream))
        costs: dict[str, list[peers.Cost]] = {"ours": [], "lynis": [], "oscap": []}
        for _ in range(RUNS):
            for name, script in (("ours", _OURS), ("lynis", peers.LYNIS), ("oscap", scap)):
                costs[name].append(peers.metered(box, script))
        conditions = {
            "objects": "the node's 38 host checks; kernel-bound ones are unknown in a lab node",
            "files": peers.population(box),
            "versions": versions,
            "content": stream.rpartition("/")[2],
            "verdicts": _verdicts(box),
            **_costs(costs),
        }
        seen = _seeded(box, scap)
        peers.remove(box, versions)
    ours, lynis, oscap = ([one.seconds for one in costs[name]] for name in costs)
    # OpenSCAP is no yardstick of time where no rule applies: Debian 13 ships content up to Debian 12.
    return [
        Figure("compliance.host", "s", ours, "Lynis --quick", lynis, 1.0, conditions=conditions),
        Figure("compliance.host", "s", ours, "OpenSCAP", oscap, conditions=conditions),
        Figure("compliance.seeded", "violations", [float(len(seen.ours))], "Lynis --quick",
               [float(len(seen.lynis))], 1.0, higher_is_better=True, conditions=seen.as_dict()),
    ]  # fmt: skip


def _costs(costs: dict[str, list[peers.Cost]]) -> dict[str, object]:
    return {
        f"{name}_{what}": [round(getattr(one, what), 1) for one in held]
        for name, held in costs.items()
        for what in ("cpu", "mib")
    }


def _verdicts(box: LabNode) -> dict[str, object]:
    """Return real verdicts, pass or fail: unknown, skipped and not applicable are none."""
    checks = _checks(box)
    real = [one for one in checks if one["verdict"] in ("conform", "partial", "violated")]
    items = {item for one in real for item in one["items"]}
    tests, _ = peers.lynis(box)
    rules = peers.oscap_results(box)
    return {
        "ours": len(real),
        "ours_items": len(items),
        "lynis": tests,
        "lynis_items": 0,  # its report names no clause of GB/T 22239
        "oscap": rules.get("pass", 0) + rules.get("fail", 0),
        "oscap_results": rules,
        "oscap_items": 0,
    }


def _checks(box: LabNode) -> list[dict[str, Any]]:
    return list(json.loads(box.read("/run/bench.json"))["checks"])


def _seeded(box: LabNode, scap: str) -> Seen:
    """Break the node in every way at once; return what each newly complains of."""
    clean, (_, said) = {one["id"]: one["reason"] for one in _checks(box)}, peers.lynis(box)
    failed = peers.oscap_results(box).get("fail", 0)
    try:
        for wrong, _, _, _ in SEEDED:
            box.run(["sh", "-c", wrong])
        for script in (_OURS, peers.LYNIS, scap):
            peers.metered(box, script)
    finally:
        for _, right, _, _ in SEEDED:
            box.run(["sh", "-c", right], check=False)
    moved = {
        one["id"]
        for one in _checks(box)
        if one["reason"] != clean.get(one["id"]) and one["verdict"] in ("violated", "partial")
    }
    new = sorted(peers.lynis(box)[1] - said)
    return Seen(
        tuple(check for _, _, check, _ in SEEDED if check.partition("_twin")[0] in moved),
        tuple(c for _, _, c, tests in SEEDED if any(t in line for t in tests for line in new)),
        max(0, peers.oscap_results(box).get("fail", 0) - failed),
        tuple(new[:20]),
    )
