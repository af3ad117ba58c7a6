"""The word by which a new node joins a box: one line to carry over, and a short code to compare by voice."""

import base64
import binascii
import hashlib
import json
import ssl
from dataclasses import dataclass

from appliance.errors import BadInput, Text
from appliance.secret import Secret

_HEAD = "hbox-join."
_FORMAT = 1


class BadToken(BadInput):
    """The line is no token of ours, or only a part of one."""

    code = "join.bad_token"
    text = Text("加入令牌无效：{why}", "Not a join token: {why}")
    hint = Text(
        "请完整复制 hbox node token 打印的一行（以 hbox-join. 开头）。",
        "Copy the whole line that `hbox node token` printed; it begins with hbox-join.",
    )


@dataclass(frozen=True)
class Invitation:
    """What a token says. `authority`: SHA-256 (hex) of the box's CA certificate in DER form.

    `addresses` are `host:port` of the API as a node reaches it; `expires` is RFC 3339.
    """

    id: str
    authority: str
    addresses: tuple[str, ...]
    secret: Secret
    expires: str

    def line(self) -> str:
        """Return the token: one line that holds a secret."""
        facts = {
            "v": _FORMAT,
            "id": self.id,
            "ca": self.authority,
            "at": list(self.addresses),
            "key": self.secret.reveal(),
            "end": self.expires,
        }
        raw = json.dumps(facts, separators=(",", ":")).encode()
        return _HEAD + base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @property
    def spoken(self) -> str:
        """Eight digits that both sides show; they differ when token or box are not the same."""
        return spoken(self.id, self.authority)


def spoken(token_id: str, authority: str) -> str:
    """Return the eight digits, `1234 5678`, of a token and the box's CA (SHA-256, hex)."""
    sums = hashlib.sha256(f"hbox-join {token_id} {authority}".encode()).digest()
    digits = f"{int.from_bytes(sums[:8]) % 10**8:08d}"
    return f"{digits[:4]} {digits[4:]}"


def secret_hash(secret: str) -> str:
    """Return what the box keeps of a token's secret: its SHA-256, hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read(line: str) -> Invitation:
    """Return what a token says; raises `BadToken`."""
    text = line.strip()
    if not text.startswith(_HEAD):
        raise BadToken(why="开头不是 hbox-join. it does not begin with hbox-join.")
    body = text.removeprefix(_HEAD)
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        return _invitation(json.loads(raw))
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise BadToken(why="内容不完整 it is cut off or altered") from error


def _invitation(facts: dict[str, object]) -> Invitation:
    if facts["v"] != _FORMAT:
        raise BadToken(why=f"版本 version {facts['v']}")
    names = ("id", "ca", "key", "end")
    if not all(isinstance(facts[name], str) for name in names):
        raise ValueError("a field is no text")
    addresses = facts["at"]
    if not isinstance(addresses, list) or not addresses:
        raise ValueError("there is no address")
    return Invitation(
        id=str(facts["id"]),
        authority=str(facts["ca"]),
        addresses=tuple(str(each) for each in addresses),
        secret=Secret(str(facts["key"])),
        expires=str(facts["end"]),
    )


def fingerprint(pem: str) -> str:
    """Return the SHA-256 (hex) of a certificate's DER form."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
