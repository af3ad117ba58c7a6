"""What may be asked of the inspector: one run over the whole box."""

from dataclasses import dataclass
from typing import ClassVar

from appliance.errors import Text
from controller.actions.base import Action, Role


@dataclass(frozen=True)
class RunCompliance(Action):
    """Inspect the box against level 3 and write a signed report; changes nothing."""

    kind: ClassVar[str] = "compliance.run"
    roles: ClassVar[frozenset[Role]] = frozenset(
        {Role.SYSTEM, Role.SECURITY, Role.AUDIT, Role.AUDITOR}
    )
    sentence: ClassVar[Text] = Text("执行等保三级检查", "Run the level-3 compliance inspection")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return "compliance/box"
