"""Whom the box trusts: public keys of vendors, each limited to that vendor's own modules.

This is the place of TUF metadata: root and delegated roles with thresholds, versions and expiry will
stand behind the same two questions that `Trust` answers today (`key`, `check`). Until then the list
is one JSON file that the security administrator changes; it has no expiry and no revocation list.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.canonical import canonical
from appliance.errors import BoxError
from appliance.sdk.errors import BadTrust, KeyNotAllowed, UnknownKey
from appliance.signing import VerifyKey

PATTERN = re.compile(r"[a-z][a-z0-9-]{1,31}|[a-z][a-z0-9-]{0,30}-\*")


@dataclass(frozen=True)
class VendorKey:
    """One vendor's public key (PEM); `ids` are exact module ids, or prefixes ending in `-*`."""

    vendor: str
    pem: str
    ids: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """The key's name in records."""
        return VerifyKey.from_pem(self.pem.encode()).fingerprint

    def allows(self, module: str) -> bool:
        """Whether this key may sign the module with that id."""
        return any(
            module.startswith(p[:-1]) and len(module) >= len(p) if p.endswith("*") else module == p
            for p in self.ids
        )


@dataclass(frozen=True)
class Trust:
    """All keys this box accepts modules from."""

    keys: tuple[VendorKey, ...] = ()

    def key(self, fingerprint: str) -> VendorKey:
        """Return the key of that fingerprint; raises `UnknownKey`."""
        for key in self.keys:
            if key.fingerprint == fingerprint:
                return key
        raise UnknownKey(key=fingerprint)

    def check(self, key: VendorKey, *, module: str, vendor: str) -> None:
        """Raise `KeyNotAllowed` unless `key` belongs to `vendor` and may sign `module`."""
        if key.vendor != vendor or not key.allows(module):
            raise KeyNotAllowed(vendor=key.vendor, id=module)

    def as_json(self) -> bytes:
        """Return the file form, `{"format": 1, "keys": [{"vendor", "pem", "ids"}, …]}`."""
        keys = [{"vendor": k.vendor, "pem": k.pem, "ids": list(k.ids)} for k in self.keys]
        return canonical({"format": 1, "keys": keys}) + b"\n"


def load(path: Path) -> Trust:
    """Read the trust file at `path`; a missing one means nobody is trusted; raises `BadTrust`."""
    return parse(path.read_bytes()) if path.exists() else Trust()


def parse(text: bytes) -> Trust:
    """Return the trust in file form `text`; raises `BadTrust`."""
    try:
        raw = json.loads(text)
        if raw["format"] != 1 or set(raw) != {"format", "keys"}:
            raise BadTrust(why="format")
        return Trust(tuple(_key(entry) for entry in raw["keys"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BadTrust(why=type(error).__name__) from error


def _key(entry: dict[str, Any]) -> VendorKey:
    key = VendorKey(str(entry["vendor"]), str(entry["pem"]), tuple(map(str, entry["ids"])))
    if not key.ids or not all(PATTERN.fullmatch(pattern) for pattern in key.ids):
        raise BadTrust(why=f"ids of {key.vendor}")
    try:
        VerifyKey.from_pem(key.pem.encode())
    except BoxError as error:
        raise BadTrust(why=f"key of {key.vendor}") from error
    return key
