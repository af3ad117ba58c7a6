"""What may be asked of the gateway's scanner: take virus signatures that were brought in."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from appliance.errors import Text
from controller.actions import fields
from controller.actions.base import Action, Role

FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}\.(cvd|ndb|hdb|hsb|ldb)")
LIMIT = 600 << 20  # bytes


@dataclass(frozen=True)
class ImportSignatures(Action):
    """Verify the handed-in file `upload` (SHA-256 `digest`) and scan with it from then on, as `name`."""

    name: str
    upload: str
    digest: str

    kind: ClassVar[str] = "gateway.signatures.import"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    sentence: ClassVar[Text] = Text("导入病毒库 {name}", "Take the virus signatures {name}")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"signatures/{self.name}"

    def locks(self) -> tuple[str, ...]:
        """The folder of signatures, of which there is one."""
        return ("gateway/signatures",)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"digest": self.digest}

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("name", self.name, FILE)
        fields.matches("upload", self.upload, fields.UPLOAD)
        fields.matches("digest", self.digest, fields.DIGEST)
