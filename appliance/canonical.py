"""One byte form of a JSON value, so that digests and signatures mean the same everywhere."""

import hashlib
import json


def canonical(value: object) -> bytes:
    """Return `value` as JSON with sorted keys, no spaces, UTF-8; NaN and infinities are refused."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data` as lower-case hex."""
    return hashlib.sha256(data).hexdigest()
