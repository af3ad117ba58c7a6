"""What may be asked of the gateway: prove that nothing else crosses."""

from dataclasses import dataclass
from typing import ClassVar

from appliance.errors import Text
from controller.actions.base import Action, Role


@dataclass(frozen=True)
class ProveGateway(Action):
    """Try every way across that we know of; sign what was refused."""

    kind: ClassVar[str] = "gateway.prove"
    roles: ClassVar[frozenset[Role]] = frozenset(
        {Role.SYSTEM, Role.SECURITY, Role.AUDIT, Role.AUDITOR}
    )
    sentence: ClassVar[Text] = Text(
        "证明内外网之间没有其他通路", "Prove that there is no other way across the gateway"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return "gateway/proof"
