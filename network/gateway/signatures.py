"""Virus signatures that hospital IT brings by hand: verified, then put where clamd reads them."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BadInput, Refused, Text, TooLarge
from appliance.host import Host, LocalHost, write_atomically

FOLDER = Path("/var/lib/hbox/signatures")
LIMIT = 600 << 20  # bytes; the largest official file has about 170 MB
# Official files carry ClamAV's signature; the others a site may write itself. Lists of exceptions
# are not taken: they would make the scanner see less.
SIGNED, OWN = frozenset({".cvd"}), frozenset({".ndb", ".hdb", ".hsb", ".ldb"})
_AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs")


class SignaturesRefused(Refused):
    """A signature file is damaged, altered, or nothing that clamd can read."""

    code = "gateway.signatures_refused"
    text = Text("病毒库文件 {name} 未通过校验：{why}", "Signature file {name} was refused: {why}")
    hint = Text(
        "请从 ClamAV 官方渠道重新获取完整的 .cvd 文件，再用 U 盘导入。",
        "Get the whole .cvd file from ClamAV again and bring it by USB stick.",
    )


@dataclass(frozen=True)
class Signatures:
    """One file in use: `signed` by ClamAV or the site's own; `facts` are its maker's (version, time, count)."""

    name: str
    size: int
    signed: bool
    facts: dict[str, str]


def import_file(path: Path, folder: Path = FOLDER, host: Host | None = None) -> Signatures:
    """Verify the file at `path` and put it in force; clamd reads it within a minute. Needs root.

    A `.cvd` must carry ClamAV's signature (sigtool); any file must load in a scan of its own. Both
    programs run as nobody, since the file comes from outside.

    Raises:
        BadInput: its name is none of a signature file.
        TooLarge: over `LIMIT`.
        SignaturesRefused: it did not verify or load; nothing has changed.
    """
    kind = path.suffix
    if kind not in SIGNED | OWN or path.name.startswith(".") or not path.name.isascii():
        raise BadInput(what=path.name, why=f"not one of {' '.join(sorted(SIGNED | OWN))}")
    if path.stat().st_size > LIMIT:
        raise TooLarge(what=path.name, limit=LIMIT)
    with tempfile.TemporaryDirectory(prefix="hbox-signatures-") as aside:
        Path(aside).chmod(0o755)
        # What was verified is what is put in force, whatever happens to the stick meanwhile.
        copy = Path(aside) / path.name
        shutil.copyfile(path, copy)
        copy.chmod(0o644)
        facts = _verified(host or LocalHost(), copy)
        write_atomically(folder / path.name, copy.read_bytes())
    return Signatures(path.name, (folder / path.name).stat().st_size, kind in SIGNED, facts)


def listed(folder: Path = FOLDER, host: Host | None = None) -> tuple[Signatures, ...]:
    """Return the files in force, by name."""
    files = [f for f in sorted(folder.iterdir()) if f.suffix in SIGNED | OWN and f.name[0] != "."]
    return tuple(
        Signatures(f.name, f.stat().st_size, f.suffix in SIGNED, _facts(host or LocalHost(), f))
        for f in files
    )


def _verified(host: Host, copy: Path) -> dict[str, str]:
    facts = _facts(host, copy)
    if copy.suffix in SIGNED and facts.pop("verification", "") != "OK":
        raise SignaturesRefused(name=copy.name, why="its signature does not verify")
    empty = copy.with_name("empty")
    empty.write_bytes(b"")
    argv = [*_AS_NOBODY, "clamscan", "--no-summary", f"--database={copy}", str(empty)]
    loaded = host.run(argv, timeout=300.0, check=False)
    if loaded.code != 0:
        why = (loaded.err or loaded.out).decode("utf-8", "replace").strip()[-300:]
        raise SignaturesRefused(name=copy.name, why=why or f"clamscan: {loaded.code}")
    return facts


def _facts(host: Host, file: Path) -> dict[str, str]:
    """Return what stands in the head of an official file; an own file has none, but a count of lines."""
    if file.suffix not in SIGNED:
        lines = [line for line in file.read_bytes().splitlines() if line and line[0] != ord("#")]
        return {"signatures": str(len(lines))}
    told = host.run([*_AS_NOBODY, "sigtool", f"--info={file}"], timeout=120.0, check=False)
    facts = {}
    for line in told.text.splitlines():
        name, colon, value = line.partition(": ")
        if colon and name in ("Build time", "Version", "Signatures", "Builder"):
            facts[name.lower()] = value.strip()
        elif line.startswith("Verification"):
            facts["verification"] = line.removeprefix("Verification").strip(" :")
    return facts
