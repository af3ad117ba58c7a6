"""Seals of the audit chain: its head, signed with a key that only the worker holds, kept as a file."""

import errno
import json
import os
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import Engine, select

from appliance import audit as chain
from appliance import clock
from appliance.files import write_atomically
from appliance.signing import SigningKey
from controller.jobs.trust import Sealed
from controller.records.audit import as_entry
from controller.records.session import reading
from controller.records.tables import AuditEntry


class Seals:
    """The file of seals, one JSON line each; only appended to, and on disk before it counts."""

    def __init__(self, path: Path, key: SigningKey) -> None:
        self._path = path
        self._key = key
        self._last = self._read()
        # Readers without root check the seals with this; the folder of keys is closed to them.
        write_atomically(path.with_name("audit.key.pub"), key.public.pem)

    def last(self) -> Sealed:
        """The head that was sealed last; number 0 if none was."""
        return self._last

    def seal(self, engine: Engine) -> bool:
        """Seal the chain's present head if it grew; return whether it did.

        Raises `ChainBroken`, and seals nothing, when what was added does not follow the last seal.
        """
        with reading(engine) as session:
            grown = select(AuditEntry).where(AuditEntry.number > self._last.number)
            rows = session.scalars(grown.order_by(AuditEntry.number)).all()
        if not rows:
            return False
        head = chain.verify(
            (as_entry(row) for row in rows),
            start=self._last.number + 1,
            previous=self._last.head,
        )
        self._append(chain.seal(rows[-1].number, head, clock.iso(), self._key))
        self._last = Sealed(rows[-1].number, head)
        return True

    def _append(self, seal: chain.Seal) -> None:
        line = json.dumps(asdict(seal), sort_keys=True).encode() + b"\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._path, flags, 0o644)
        os.fchmod(descriptor, 0o644)  # whatever the worker's umask is: the web process shows them
        end = os.fstat(descriptor).st_size
        try:
            _write_whole(descriptor, line)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)  # the next seal must not follow half of this one
            raise
        finally:
            os.close(descriptor)

    def _read(self) -> Sealed:
        if not self._path.exists():
            return Sealed()
        whole, _, torn = self._path.read_bytes().rpartition(b"\n")
        if torn:
            # The power went in the middle of a line: that seal never counted.
            os.truncate(self._path, len(whole) + 1 if whole else 0)
        if not whole:
            return Sealed()
        last = chain.Seal(**json.loads(whole.splitlines()[-1]))
        chain.check_seal(last, self._key.public)
        return Sealed(last.number, last.head)


def _write_whole(descriptor: int, line: bytes) -> None:
    # A disk that is nearly full takes a part, and that is no error to the kernel.
    if os.write(descriptor, line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
