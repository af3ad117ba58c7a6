"""Passwords: how they are kept (Argon2id) and what the box accepts (GB/T 22239 8.1.4.1 a)."""

import functools
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.errors import BadInput, Text
from appliance.secret import Secret

MINIMUM = 12
KINDS = 3

# OWASP's figures for Argon2id with the smaller memory: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Each check takes 19 MiB for a moment: two at a time, or sixteen guesses at once would take 300.
_AT_ONCE = threading.BoundedSemaphore(2)


class WeakPassword(BadInput):
    """The box does not accept this password."""

    code = "auth.weak_password"
    text = Text("口令不符合要求：{zh}", "The password is too weak: {en}")
    hint = Text(
        "至少 12 个字符，含大写、小写、数字、符号中的三类，且不含账号名。",
        "At least 12 characters of three kinds (capitals, small letters, digits, signs), without the account's name.",
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


@functools.cache
def _nobody() -> str:
    """A hash that the password of a name that does not exist is held against, for equal time."""
    return _HASHER.hash("nobody")
