"""Passwords: how they are kept (Argon2id) and what the box accepts (GB/T 22239 8.1.4.1 a)."""

import datetime as dt
import functools
import threading
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BadInput, Text
from appliance.secret import Secret
from controller.access.well_known import well_known
from controller.records.tables import Account, PastPassword

MINIMUM = 12
KINDS = 3
KEPT = 5  # passwords that are not taken again

# OWASP's figures for Argon2id with the smaller memory: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Each check takes 19 MiB for a moment: two at a time, or sixteen guesses at once would take 300.
_AT_ONCE = threading.BoundedSemaphore(2)


class WeakPassword(BadInput):
    """The box does not accept this password."""

    code = "auth.weak_password"
    text = Text("口令不符合要求：{zh}", "The password is too weak: {en}")
    hint = Text(
        "至少 12 个字符，含大写、小写、数字、符号中的三类，不含账号名，不是常见口令，且与最近 5 次不同。",
        "At least 12 characters of three kinds (capitals, small letters, digits, signs), without the account's name, not a common one, and none of the last five.",
    )


def parameters() -> str:
    """Return the costs of a stored hash, as the PHC text writes them (memory in KiB)."""
    return f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"


def hashed(password: Secret) -> str:
    """Return the Argon2id hash (PHC text) of `password`."""
    with _AT_ONCE:
        return _HASHER.hash(password.reveal())


def fits(password: Secret, held: str | None) -> bool:
    """Whether `password` belongs to the hash `held`; takes as long when there is none."""
    with _AT_ONCE:
        try:
            _HASHER.verify(held or _nobody(), password.reveal())
        except (VerificationError, InvalidHashError):
            return False
    return held is not None


def accept(password: Secret, name: str) -> None:
    """Raise `WeakPassword` unless the box accepts `password` for the account `name`."""
    text = password.reveal()
    if len(text) < MINIMUM:
        raise WeakPassword(zh=f"少于 {MINIMUM} 个字符", en=f"shorter than {MINIMUM} characters")
    if len(text) > 256:
        raise WeakPassword(zh="超过 256 个字符", en="longer than 256 characters")
    if name.lower() in text.lower():
        raise WeakPassword(zh="包含账号名", en="it contains the account's name")
    if len(set(text)) < 6:
        raise WeakPassword(zh="不同字符过少", en="too few different characters")
    kinds = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
    if sum(any(kind(c) for c in text) for kind in kinds) < KINDS:
        raise WeakPassword(zh="字符种类不足三类", en="fewer than three kinds of characters")
    if well_known(text):
        raise WeakPassword(zh="属于常见口令", en="it is a common one")


def unlike(password: Secret, earlier: Iterable[str]) -> None:
    """Raise `WeakPassword` when one of the hashes `earlier` is of this password."""
    if any(fits(password, held) for held in earlier):
        raise WeakPassword(zh=f"与最近 {KEPT} 次口令之一相同", en=f"one of the last {KEPT}")


def expired(account: Account, days: int) -> bool:
    """Whether the account's password is older than `days`; one that nobody dated is."""
    eldest = clock.iso(clock.now() - dt.timedelta(days=days))
    return account.password_hash is not None and (account.password_at or "") < eldest


def earlier(session: Session, account: Account) -> list[str]:
    """Return the hashes of the account's last passwords, the present one among them, newest first."""
    query = select(PastPassword.password_hash).where(PastPassword.account_id == account.id)
    past = list(session.scalars(query.order_by(PastPassword.set_at.desc()).limit(KEPT)))
    now = [account.password_hash] if account.password_hash else []
    return list(dict.fromkeys(now + past))[:KEPT]


def replace(session: Session, account: Account, fresh: str) -> None:
    """Give the account the password with the hash `fresh`; the last five are remembered."""
    account.password_hash, account.code_hash, account.password_at = fresh, None, clock.iso()
    session.add(
        PastPassword(account_id=account.id, set_at=account.password_at, password_hash=fresh)
    )
    session.flush()
    mine = PastPassword.account_id == account.id
    query = select(PastPassword.set_at).where(mine).order_by(PastPassword.set_at.desc())
    for too_old in session.scalars(query.offset(KEPT)).all():
        session.execute(delete(PastPassword).where(mine, PastPassword.set_at == too_old))


@functools.cache
def _nobody() -> str:
    """A hash that the password of a name that does not exist is held against, for equal time."""
    return _HASHER.hash("nobody")
