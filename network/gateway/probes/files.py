"""Folders and mounts: where two processes could meet, and what of another's one could see or write."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from network.gateway.layout import NAMES as PLACES
from network.gateway.probes.base import Finding, Scene, attempted, judged, told_of
from network.gateway.rooms import room
from network.gateway.standing import Say, ask

FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/home")  # noqa: S108 - to be tried
_WORD = b"hbox-probe"


def shared_folders(scene: Scene) -> Iterator[Finding]:
    """Folders that any two of the processes may write to."""
    candidates = [*map(Path, FOLDERS), *_own_folders(scene)]
    able = {p.name: ask(p, _leaving(candidates, p.name), filtered=False) for p in scene.all}
    for one, other in ((a, b) for i, a in enumerate(PLACES) for b in PLACES[i + 1 :]):
        said = [set(able[name].get("able", "").split()) for name in (one, other)]
        both = set.intersection(*said)
        known = all("able" in able[name] for name in (one, other))
        evidence = f"both may write: {sorted(both) or 'none'}; {one} {sorted(said[0])}, {other} {sorted(said[1])}"
        yield Finding("shared-folder", one, other, judged(known, bool(both)), evidence)


def _own_folders(scene: Scene) -> list[Path]:
    spool = scene.layout.spool
    return [
        scene.layout.journal, scene.layout.folder, spool / "guard", spool / "guard" / "held",
        *(spool / side / part for side in ("extranet", "intranet") for part in ("", "in", "out")),
        *(spool / "guard" / side for side in ("extranet", "intranet")),
    ]  # fmt: skip


def _leaving(folders: list[Path], word: str) -> Callable[[Say], None]:
    def act(say: Say) -> None:
        able = []
        for folder in folders:
            file = folder / f"hbox-probe-{word}"
            try:
                file.write_bytes(_WORD)
                file.unlink()
            except OSError:
                continue
            able.append(str(folder))
        say({"able": " ".join(able)})

    return act


def folders_of_others(scene: Scene) -> Iterator[Finding]:
    """What of the others' folders a process can look into; the guard's work needs all but the keys."""
    layout = scene.layout
    spool, held = layout.spool, layout.spool / "guard" / "held"
    inside = {side: (spool / side, spool / "guard" / side) for side in ("extranet", "intranet")}
    private = {"keys": layout.keys}
    guards = {"journal": layout.journal, **private}
    others = {
        "guard": private,
        "scan": {**guards, **{str(p): p for side in inside.values() for p in side}},
        "front": {**guards, "held": held, **{str(p): p for p in inside["intranet"]}},
        "back": {**guards, "held": held, **{str(p): p for p in inside["extranet"]}},
    }
    for place in scene.all:
        tries = {name: partial(_looked_into, path) for name, path in others[place.name].items()}
        told = ask(place, attempted(tries), filtered=False)
        yield told_of("folder-of-others", place.name, "the others' folders", told)


def _looked_into(path: Path) -> str:
    return f"{len(os.listdir(path))} names"  # noqa: PTH208 - a bare call, so that its error is bare too


def mounts(scene: Scene) -> Iterator[Finding]:
    """What is mounted writable, or so that a mount made elsewhere would show up here."""
    for place in scene.all:
        allowed = {str(path) for path in room(scene.layout, place.name).writable}
        writable, linked = [], []
        for line in place.read("mountinfo").splitlines():
            fields, _, rest = line.partition(" - ")
            where, options, *tags = fields.split()[4:]
            if "rw" in options.split(",") and where not in allowed:
                writable.append(f"{where} ({rest.split()[0]})")
            linked += [f"{where} {tag}" for tag in tags if tag.startswith(("shared", "master"))]
        bad = [*writable, *linked]
        evidence = f"writable beyond {sorted(allowed) or 'nothing'}: {bad[:8] or 'none'}"
        yield Finding("mounts", place.name, "-", judged(refused=True, is_open=bool(bad)), evidence)


def mount_namespaces(scene: Scene) -> Iterator[Finding]:
    """Two processes with the same view of the file system, or the host's."""
    here = str(Path("/proc/self/ns/mnt").readlink())
    names = [here, *(place.namespace("mnt") for place in scene.all)]
    same = len(set(names)) < len(names)
    yield Finding(
        "one-mount-namespace", "all", "all", judged(refused=True, is_open=same), str(names)
    )


def existing_sockets(scene: Scene) -> Iterator[Finding]:
    """Every Unix socket with a path that programs of the box listen on, knocked at by each process."""
    with _one_of_ours() as sample:
        paths = sorted(_listening() | {sample})
        for place in scene.all:
            own = str(scene.layout.clamd) if place.name == "scan" else ""
            tries = {path: partial(_knocked, path) for path in paths if path != own}
            told = ask(place, attempted(tries), filtered=False)
            yield told_of("unix-of-others", place.name, "the box", told)


@contextmanager
def _one_of_ours() -> Iterator[str]:
    # So that there is always one to try, open to everybody, where programs have theirs.
    path = Path(f"/run/hbox-probe-{os.getpid()}")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        try:
            path.chmod(0o777)
            made.listen(64)
            yield str(path)
        finally:
            path.unlink()


def _listening() -> set[str]:
    lines = Path("/proc/1/net/unix").read_text("utf-8", "replace").splitlines()[1:]
    found = {fields[7] for line in lines if len(fields := line.split()) > 7}
    return {path for path in found if path.startswith("/")}


def _knocked(path: str) -> str:
    why = OSError("not tried")
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        try:
            with socket.socket(socket.AF_UNIX, kind) as made:
                made.settimeout(0.5)
                made.connect(path)
        except OSError as error:
            why = error if error.errno != errno.EPROTOTYPE else why
        else:
            return "connected"
    raise why


NAMES = (
    "shared-folder", "folder-of-others", "mounts", "one-mount-namespace", "unix-of-others",
)  # fmt: skip
