"""A file that the guard lets through: copied from its outbox, published in the receiver's folder."""

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from appliance.clock import now
from network.gateway.frames import Frame
from network.gateway.spool import copy_range

_CHUNK = 8 << 20  # bytes
_SPOOLED = re.compile(r"/[0-9a-f]{16,64}")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_DELIVERY = re.compile(r"[0-9a-f-]{8,64}")
_KNOWN_FOR = 86400.0  # seconds for which a delivery made is known again
DONE, PART = ".done", ".part"  # readers of the folder leave names with a dot alone


@with_config(ConfigDict(extra="ignore"))
@dataclass(frozen=True)
class Told:
    """What the guard says of the file."""

    name: str
    size: int


_TOLD = TypeAdapter(Told)


class NotPlaced(Exception):
    """The file could not be published; the text is short and says why."""


def place(source: Path, inbox: Path, call: Frame) -> str:
    """Publish the file that `call` names in `inbox/<receiver's folder>/`; return the name it got.

    It is copied aside, made durable and linked to its name, so that a reader sees it whole or not at
    all, and no other file is written over. The same delivery is made once, also after a crash.
    Raises `NotPlaced`.
    """
    told = _told(call)
    folder = inbox / call.peer
    done, part = folder / DONE / call.delivery, folder / PART / call.delivery
    try:
        for made in (folder, done.parent, part.parent):
            made.mkdir(exist_ok=True)
        if done.exists():
            return told.name
        if not part.exists() or part.stat().st_nlink == 1:
            _copy(source / call.target[1:], part, told.size)
            name = _publish(part, folder, told.name, call.delivery)
        else:
            name = told.name  # linked before a crash
        done.touch()
        part.unlink()
        _sync(folder)
    except OSError as error:
        raise NotPlaced(os.strerror(error.errno or errno.EIO)) from error
    return name


def forget(inbox: Path) -> None:
    """Remove the marks of deliveries that nobody will ask about again."""
    oldest = now().timestamp() - _KNOWN_FOR
    for mark in inbox.glob(f"*/{DONE}/*"):
        if mark.stat().st_mtime < oldest:
            mark.unlink(missing_ok=True)


def _told(call: Frame) -> Told:
    try:
        told = _TOLD.validate_json(call.body)
    except ValidationError as error:
        raise NotPlaced("the call is not understood") from error
    name = told.name
    lawful = name.isprintable() and "/" not in name and not name.startswith(".")
    if not (lawful and 0 < len(name.encode()) <= 200 and _FOLDER.fullmatch(call.peer)):
        raise NotPlaced("not a lawful name")
    if not (_SPOOLED.fullmatch(call.target) and _DELIVERY.fullmatch(call.delivery)):
        raise NotPlaced("not a lawful file")
    return told


def _copy(source: Path, part: Path, size: int) -> None:
    part.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        writer = os.open(part, flags, 0o640)
        try:
            at = 0
            while came := copy_range(reader, writer, _CHUNK, at):
                at += came
            if at != size:
                raise NotPlaced("size")
            os.fsync(writer)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _publish(part: Path, folder: Path, name: str, delivery: str) -> str:
    stem, dot, ending = name.rpartition(".")
    for tried in (name, f"{stem or ending}-{delivery}{dot}{ending if stem else ''}"):
        try:
            os.link(part, folder / tried, follow_symlinks=False)
        except FileExistsError:
            continue
        return tried
    raise NotPlaced("the name is taken")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
