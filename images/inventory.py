"""What is inside a root file system: Debian packages, Python packages, and the bill of both (CycloneDX)."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from appliance.host import Host

_FIELDS = "${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n"


@dataclass(frozen=True, order=True)
class Package:
    """One installed package; `kind` is `deb` or `pypi`."""

    kind: str
    name: str
    version: str
    arch: str = ""

    def purl(self) -> str:
        """Return the package URL (purl specification: types deb and pypi)."""
        if self.kind == "deb":
            return f"pkg:deb/debian/{self.name}@{_quoted(self.version)}?arch={self.arch}"
        return f"pkg:pypi/{self.name.lower().replace('_', '-')}@{_quoted(self.version)}"


def debian(host: Host, root: Path) -> list[Package]:
    """Return the Debian packages installed in `root`."""
    admin = f"--admindir={root}/var/lib/dpkg"
    rows = host.run(["dpkg-query", admin, "--show", f"--showformat={_FIELDS}"]).text.splitlines()
    cells = (row.split("\t") for row in rows)
    return sorted(Package("deb", c[0], c[1], c[2]) for c in cells if c[3] == "installed")


def python(site: Path) -> list[Package]:
    """Return the Python packages in the folder `site` (a site-packages)."""
    return sorted(Package("pypi", d.name, d.version) for d in distributions(path=[str(site)]))


def bill(name: str, version: str, packages: Iterable[Package]) -> dict[str, object]:
    """Return a CycloneDX 1.6 document for the image `name` whose digest is `version`."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "operating-system", "name": name, "version": version}},
        "components": [
            {
                "type": "library",
                "bom-ref": package.purl(),
                "name": package.name,
                "version": package.version,
                "purl": package.purl(),
            }
            for package in sorted(packages)
        ],
    }


def difference(old: Iterable[Package], new: Iterable[Package]) -> list[str]:
    """Return one line per package added (+), removed (-) or changed (~) from `old` to `new`."""
    before = {(p.kind, p.name): p.version for p in old}
    after = {(p.kind, p.name): p.version for p in new}
    lines = []
    for kind, name in sorted(before.keys() | after.keys()):
        was, now = before.get((kind, name)), after.get((kind, name))
        if was == now:
            continue
        sign = "+" if was is None else "-" if now is None else "~"
        lines.append(f"{sign} {kind} {name} {was or ''}{' -> ' if was and now else ''}{now or ''}")
    return lines


def _quoted(version: str) -> str:
    return version.replace("%", "%25").replace(":", "%3A").replace("+", "%2B")
