"""Whether the audit chain holds: its links, and the worker's seals over its heads."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from appliance.audit import ChainBroken, Seal, check_seal, verify
from appliance.errors import BoxError
from appliance.signing import VerifyKey
from controller.records import audit
from controller.records.tables import AuditEntry

SEALS, KEY = "seals.jsonl", "audit.key.pub"

Verdict = Literal["hold", "broken", "unknown"]


@dataclass(frozen=True)
class Chain:
    """What an examination found. `sealed` is the last entry that a good seal covers."""

    holds: bool
    entries: int
    head: str
    broken_at: int | None
    why: str
    seals: Verdict
    sealed: int


def examine(session: Session, folder: Path, key: Path | None = None) -> Chain:
    """Verify the chain in the records and the seals in `folder` with the public key beside them.

    Seals that cannot be read or checked are "unknown", never good. Who has the key itself (root)
    may name its public half in `key`.
    """
    entries = audit.length(session)
    try:
        head = verify(audit.entries(session))
    except ChainBroken as error:
        at = int(str(error.fields["number"]))
        return Chain(False, entries, "", at, str(error.fields["why"]), "unknown", 0)  # noqa: FBT003
    seals, sealed, why = _seals(session, folder / SEALS, key or folder / KEY)
    return Chain(seals != "broken", entries, head, None, why, seals, sealed)


def _seals(session: Session, path: Path, key: Path) -> tuple[Verdict, int, str]:
    try:
        public = VerifyKey.from_pem(key.read_bytes())
        # A last line without its end is being written now, or never counted.
        lines = path.read_bytes().split(b"\n")[:-1]
    except (OSError, BoxError) as error:
        return "unknown", 0, f"{type(error).__name__}: {path.parent.name}"
    sealed = 0
    for line in lines:
        try:
            held = Seal(**json.loads(line))
            check_seal(held, public)
        except (ValueError, TypeError, BoxError):
            return "broken", sealed, f"a seal after entry {sealed} is not the worker's"
        entry = session.get(AuditEntry, held.number)
        if entry is None or entry.hash != held.head:
            return "broken", sealed, f"the chain is not the one sealed at entry {held.number}"
        sealed = held.number
    return "hold", sealed, ""
