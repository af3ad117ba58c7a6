"""What a patient may type into the booking form, and the tokens that guard it. Pure."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

# Letters of any script, and what stands between the parts of a name.
_BETWEEN = set(" ·.-'’")
_PHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{22,64}")


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field, in both languages."""

    field: str
    zh: str
    en: str


@dataclass(frozen=True)
class Wish:
    """A valid form: name and phone in their plain form."""

    name: str
    phone: str


def read(form: Mapping[str, str]) -> tuple[Wish, tuple[Problem, ...]]:
    """Return what was typed, tidied, and what is wrong with it (nothing: it may be booked)."""
    name = unicodedata.normalize("NFC", form.get("name", "")).strip()
    phone = unicodedata.normalize("NFKC", form.get("phone", "")).strip().replace(" ", "")
    problems = []
    if not 2 <= len(name) <= 30 or not all(_letter(c) for c in name):
        problems.append(
            Problem(
                "name",
                "请填写 2 到 30 个字的姓名，只能用文字、空格、“·”",
                "Give a name of 2 to 30 letters, spaces, hyphens or dots",
            )
        )
    if not _PHONE.fullmatch(phone):
        problems.append(
            Problem(
                "phone",
                "请填写 11 位手机号，或带区号的座机号",
                "Give an 11-digit mobile number or a landline with area code",
            )
        )
    return Wish(name, phone), tuple(problems)


def _letter(char: str) -> bool:
    return char in _BETWEEN or unicodedata.category(char) in ("Lo", "Lu", "Ll", "Lm", "Mn", "Mc")


def csrf(secret: bytes, visit: str, nonce: str) -> str:
    """Return the token that binds a form to the visitor's cookie."""
    return _mac(secret, f"csrf:{visit}:{nonce}")


def genuine(secret: bytes, visit: str, nonce: str, token: str) -> bool:
    """Whether this form was given to this visitor."""
    known = bool(_NONCE.fullmatch(visit) and _NONCE.fullmatch(nonce))
    return hmac.compare_digest(csrf(secret, visit, nonce).encode(), token.encode()) and known


def booking_token(secret: bytes, visit: str, nonce: str) -> str:
    """Return the secret of the booking made with this form; the same form gives the same one."""
    return _mac(secret, f"booking:{visit}:{nonce}")


def _mac(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
