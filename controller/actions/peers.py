"""What may be asked about the hospital's own systems: a client certificate that a channel can pin."""

import ipaddress
from dataclasses import dataclass
from typing import Any, ClassVar

from appliance.errors import BadInput, Text
from controller.actions import fields
from controller.actions.base import Action, Role

KINDS = ("tls", "sm")
_REQUEST = 16 * 1024  # bytes of a certificate request


@dataclass(frozen=True)
class IssuePeer(Action):
    """Certify the key in `request` (PKCS #10, PEM) for the system `name` at `address`.

    `tls` is `tls` (ECDSA P-256) or `sm` (SM2). The key itself never comes to the box.
    """

    name: str
    address: str
    tls: str
    request: str

    kind: ClassVar[str] = "gateway.peer.issue"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    sentence: ClassVar[Text] = Text(
        "为系统 {name}（{address}）签发 {tls} 客户端证书",
        "Issue a {tls} client certificate to the system {name} ({address})",
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"peer/{self.name}"

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"address": self.address, "tls": self.tls}

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("name", self.name, fields.NAME)
        fields.one_of("tls", self.tls, KINDS)
        try:
            ipaddress.IPv4Address(self.address)
        except ValueError as error:
            raise BadInput(what="address", why=str(error)) from error
        if not self.request.isascii() or not 0 < len(self.request) <= _REQUEST:
            raise BadInput(what="request", why=f"PEM, 1..{_REQUEST} bytes")
