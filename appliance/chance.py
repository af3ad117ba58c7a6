"""The only source of randomness: ids, tokens and MAC addresses from the kernel's generator."""

import secrets
import uuid

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0/o, 1/l/i: codes are read aloud


def new_id() -> str:
    """Return a fresh UUID (version 4) as text."""
    return str(uuid.uuid4())


def token(nbytes: int = 32) -> str:
    """Return a URL-safe token with `nbytes` bytes of entropy."""
    return secrets.token_urlsafe(nbytes)


def spoken_code(groups: int = 4) -> str:
    """Return a code to be typed by a person: `groups` of five letters, about 25 bits each."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(groups))


def raw(nbytes: int) -> bytes:
    """Return `nbytes` random bytes."""
    return secrets.token_bytes(nbytes)
