"""The attachments of people's statements, in exports and copies of the records: each sealed, each checked by its digest."""

import grp
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.canonical import digest
from appliance.errors import Conflict, Refused, Text
from appliance.files import write_atomically
from appliance.host import Host
from appliance.sealing import ForRecovery, RecoveryKey, WrongKey
from controller.jobs.attachments import FOLDER, good
from controller.records.assessment import ComplianceStatement

PURPOSE = "hbox records attachment "
"""What an attachment is sealed for; its SHA-256 follows, so that none can stand for another."""
_ON_NODES = "attachments"  # below the folder of the copies
_STAGED = ".restoring-attachments"
_NAMED = 3  # of those that lack, so many are named in a message
Getter = Callable[[], bytes]


class AttachmentsLack(Conflict):
    """Statements name attachments that are not there, or are not what they were."""

    code = "records.attachments_lack"
    text = Text(
        "导出文件已写成，但缺少 {count} 份附件（缺失或与摘要不符）：{which}",
        "The file is written, but lacks {count} attachments (gone, or not what their digest says): {which}",
    )
    hint = Text(
        "从更早的导出中恢复，或由填报人重新填报并附上原件；其余内容都在文件里。",
        "Bring them back from an earlier export, or have their authors answer again with the originals; all else is in the file.",
    )


class AttachmentsAltered(Refused):
    """Attachments in a file of records are missing, or are not what their digest says."""

    code = "records.attachments_altered"
    text = Text(
        "文件中有 {count} 份附件缺失或与摘要不符，未恢复任何内容：{which}",
        "{count} attachments in the file are missing or not what their digest says; nothing was restored: {which}",
    )
    hint = Text(
        "请换用另一份文件；若没有，加上 --leave-attachments 恢复其余全部内容。",
        "Use another file. If there is none, --leave-attachments restores all the rest.",
    )


@dataclass(frozen=True)
class Offered:
    """Where attachments may be had from, by SHA-256, beside the file itself; `leave` goes on without bad ones."""

    beside: Mapping[str, Getter] = field(default_factory=dict)
    leave: bool = False


@dataclass(frozen=True)
class Staged:
    """Attachments of the restored records: verified ones that wait in `folder`, and what lacks, `NAME (SHA-256)`."""

    folder: Path
    count: int
    lack: tuple[str, ...]


def named(session: Session) -> dict[str, str]:
    """Return SHA-256 -> name of every attachment that a statement ever named."""
    rows = session.scalars(select(ComplianceStatement.attachments).order_by(ComplianceStatement.id))
    return {str(one["sha256"]): str(one["name"]) for files in rows for one in files}


def sealed(state: Path, wanted: Sequence[str], lock: RecoveryKey) -> Iterator[tuple[str, bytes]]:
    """Give SHA-256 and sealed bytes of each wanted attachment that is good, one at a time."""
    for seen in wanted:
        data = good(state, seen)
        if data is not None:
            yield seen, lock.close(data, PURPOSE + seen)


def told(wanted: Mapping[str, str], lack: Sequence[str]) -> tuple[str, ...]:
    """Return how each attachment that lacks is named to a person."""
    return tuple(f"{wanted[seen]} ({seen[:16]})" for seen in lack)


def which(lack: Sequence[str]) -> str:
    """Return the first of them, for a message."""
    more = "…" if len(lack) > _NAMED else ""
    return "、".join(lack[:_NAMED]) + more


def stage(
    state: Path, wanted: Mapping[str, str], held: Mapping[str, Getter], *, strict: bool
) -> Staged:
    """Open and verify what the restored statements name; what no source has, this box may have already.

    With `strict` an attachment of the source that is not good raises `AttachmentsAltered`. Nothing that counts is touched.
    """
    folder = state / _STAGED
    clear(state)
    folder.mkdir(mode=0o700, parents=True)
    bad, lack, count = [], [], 0
    for seen in wanted:
        data = _opened(seen, held[seen]) if seen in held else None
        if data is not None:
            write_atomically(folder / seen, data, mode=0o640)
            count += 1
        elif good(state, seen) is None:
            lack.append(seen)
            bad += [seen] if seen in held else []
    if bad and strict:
        clear(state)
        names = told(wanted, bad)
        raise AttachmentsAltered(count=len(names), which=which(names))
    return Staged(folder, count, told(wanted, lack))


def put_in_place(staged: Staged, state: Path, aside: Path) -> None:
    """Move what was staged where the console reads it; another file under such a name goes aside."""
    target = state / FOLDER
    target.mkdir(mode=0o750, exist_ok=True)
    _give(target)
    for path in staged.folder.iterdir():
        there = target / path.name
        if there.exists() and good(state, path.name) is None:
            (aside / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
            there.rename(aside / FOLDER / path.name)
        path.replace(there)
        _give(there)
    staged.folder.rmdir()


def clear(state: Path) -> None:
    """Nothing of an attempt is left."""
    shutil.rmtree(state / _STAGED, ignore_errors=True)


def keep_on(host: Host, copies: Path, state: Path, wanted: Sequence[str], lock: ForRecovery) -> int:
    """Lay on a node, beside its copies, every attachment that is not there yet; return how many went.

    Each is sealed for the recovery key. One that an earlier key opens goes once this key's is there.
    """
    folder = copies / _ON_NODES
    host.run(["install", "-d", "-m", "0700", str(folder)])
    there = set(host.run(["ls", "-1", "--", str(folder)]).text.split())
    names = {seen: _kept_as(seen, lock.public) for seen in wanted}
    held = {seen for seen, name in names.items() if name in there}
    went = 0
    for seen in names.keys() - held:
        data = good(state, seen)
        if data is not None:
            host.write(str(folder / names[seen]), lock.close(data, PURPOSE + seen), mode=0o600)
            held.add(seen)
            went += 1
    for old in sorted(there - set(names.values())):
        if old.partition(".")[0] in held:
            host.run(["rm", "-f", "--", str(folder / old)])
    return went


def beside(copies: Path, key: RecoveryKey) -> dict[str, Getter]:
    """Return what lies beside the copies on this node and is sealed for this key, by SHA-256."""
    found = (copies / _ON_NODES).glob(_kept_as("*", key.public))
    return {path.name.partition(".")[0]: _reader(path, key) for path in found}


def _kept_as(seen: str, public: str) -> str:
    return f"{seen}.{public[:16]}.hpaper"


def _reader(path: Path, key: RecoveryKey) -> Getter:
    return lambda: key.open(path.read_bytes(), PURPOSE + path.name.partition(".")[0])


def _opened(seen: str, get: Getter) -> bytes | None:
    try:
        data = get()
    except (WrongKey, KeyError, OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
        return None
    return data if digest(data) == seen else None


def _give(path: Path) -> None:
    """Let the console (group hbox) read it; a machine without that group has no console."""
    try:
        os.chown(path, -1, grp.getgrnam("hbox").gr_gid)
    except KeyError:
        return
