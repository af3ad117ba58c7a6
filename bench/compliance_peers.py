"""Lynis and OpenSCAP inside one lab node, and what each of them says, for the benches beside our host checks."""

import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.host import LocalHost
from images import mirror
from images.lab import LabNode

PACKAGES = ("lynis", "openscap-scanner", "ssg-debian")

# Runs a command and says what it cost: seconds, CPU seconds of it and its children, the largest process (MiB).
_METER = """
import json, resource, subprocess, sys, time
began = time.monotonic()
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": time.monotonic() - began, "cpu": used.ru_utime + used.ru_stime,
                  "mib": used.ru_maxrss / 1024, "code": code}))
"""


@dataclass(frozen=True)
class Cost:
    """What one run cost: wall seconds, CPU seconds, MiB of its largest process, exit code."""

    seconds: float
    cpu: float
    mib: float
    code: int


def metered(node: LabNode, script: str) -> Cost:
    """Run a shell script in the node, as root, and measure it."""
    argv = ["python3", "-c", _METER, "sh", "-c", script]
    return Cost(**json.loads(node.run(argv, timeout=1800).text))


def install(node: LabNode) -> dict[str, str]:
    """Put the peers into this node's own layer, with what they need; return their versions."""
    host = LocalHost()
    before = _installed(node)
    with tempfile.TemporaryDirectory(prefix="hbox-bench-") as folder:
        for deb in _fetched(host, Path(folder), node.read("/var/lib/dpkg/status")):
            node.write(f"/tmp/peers/{deb.name}", deb.read_bytes())  # noqa: S108 - inside the lab node
    node.run(["sh", "-c", "dpkg -i /tmp/peers/*.deb && rm -r /tmp/peers"], timeout=300)
    after = _installed(node)
    return {name: after[name] for name in after if name not in before}


def remove(node: LabNode, packages: Iterable[str]) -> None:
    """Take them out again: other benches use the node too."""
    node.run(["dpkg", "--purge", *packages], timeout=300)


def _installed(node: LabNode) -> dict[str, str]:
    said = node.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n"]).text
    return dict(line.split() for line in said.splitlines())


def _fetched(host: LocalHost, folder: Path, status: bytes) -> list[Path]:
    """Download the packages and what the node lacks of their needs, by an apt with folders of its own."""
    for name in ("lists/partial", "archives/partial", "empty"):
        (folder / name).mkdir(parents=True)
    (folder / "status").write_bytes(status)
    lines = mirror.sources(mirror.read(host), "trixie")
    (folder / "sources.list").write_text("\n".join(lines) + "\n")
    options = {
        "Dir::State::status": folder / "status",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache::archives": folder / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": folder / "empty",
        "Dir::Etc::preferencesparts": folder / "empty",
        "APT::Sandbox::User": "root",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    host.run(["apt-get", *words, "update", "-qq"], timeout=300)
    get = ["install", "--download-only", "-y", "-qq", "--no-install-recommends", *PACKAGES]
    host.run(["apt-get", *words, *get], timeout=300)
    return sorted((folder / "archives").glob("*.deb"))


LYNIS = "rm -f /var/log/lynis-report.dat; lynis audit system --quick --no-colors --quiet"


def lynis(node: LabNode) -> tuple[dict[str, int], set[str]]:
    """Return how many tests the last run ran and skipped, and every complaint: `kind id text`."""
    data = node.read("/var/log/lynis-report.dat").decode("utf-8", "replace")
    held = dict(re.findall(r"^(tests_executed|tests_skipped)=(.*)$", data, re.MULTILINE))
    counts = {name: len([one for one in text.split("|") if one]) for name, text in held.items()}
    said = re.findall(r"^(warning|suggestion|details)\[\]=([^|\n]*)\|([^|\n]*)", data, re.MULTILINE)
    return counts, {" ".join(one) for one in said}


def content(node: LabNode) -> str:
    """Return the newest SCAP data stream for Debian that the package brought."""
    listed = node.run(["sh", "-c", "ls /usr/share/xml/scap/ssg/content/ssg-debian*-ds.xml"]).text
    return max(listed.split(), key=lambda one: int(re.sub(r"\D", "", one.rpartition("/")[2]) or 0))


def profile(node: LabNode, stream: str) -> str:
    """Return the profile of that stream with the most in its name: ANSSI high, else the last one."""
    said = node.run(["oscap", "info", "--profiles", stream], timeout=300).text
    ids = [line.split(":")[0] for line in said.splitlines() if line.strip()]
    return next((one for one in ids if one.endswith("anssi_np_nt28_high")), ids[-1])


def oscap(stream: str, of: str) -> str:
    """Return the command of one evaluation."""
    return f"oscap xccdf eval --profile {of} --results /tmp/oscap.xml {stream}; true"


def oscap_results(node: LabNode) -> dict[str, int]:
    """Return how many rules had which result in the last evaluation."""
    held = re.findall(r"<result>(\w+)</result>", node.read("/tmp/oscap.xml").decode())  # noqa: S108 - in the node
    return {name: held.count(name) for name in sorted(set(held))}


def population(node: LabNode) -> int:
    """Return how many entries the node's root file system has: all three look at the same ones."""
    return int(node.run(["sh", "-c", "find / -xdev | wc -l"], timeout=300).text)
