"""Modules, their keys and uploads in and out of the API."""

from typing import Any

from pydantic import Field

from controller.actions.fields import DIGEST, MODULE, UPLOAD
from controller.api.schemas.base import In, Out, TextOut
from controller.records.tables import Module


class UploadOut(Out):
    """A file handed in: name it in the request that installs it. Size in bytes."""

    upload: str
    digest: str = Field(description="SHA-256 of the file")
    size: int
    module_id: str = Field(description="what the file says it is; verified when it is installed")
    version: str


class InstallIn(In):
    """An uploaded bundle to install into a machine; `vm` is its name or id."""

    module_id: str = Field(pattern=f"^{MODULE.pattern}$")
    vm: str = Field(min_length=1, max_length=64)
    upload: str = Field(pattern=f"^{UPLOAD.pattern}$")
    digest: str = Field(pattern=f"^{DIGEST.pattern}$")


class ApproveIn(In):
    """Which bundle's flows to open: `digest` is the one that was looked at."""

    digest: str


class TrustIn(In):
    """A vendor's Ed25519 public key (PEM) and the module ids it may sign (`*` at an end: prefix)."""

    vendor: str
    pem: str = Field(max_length=4096)
    ids: list[str] = Field(min_length=1, max_length=64)


class KeyOut(Out):
    """A vendor key that is trusted."""

    fingerprint: str
    vendor: str
    ids: list[str]
    added_by: str
    added_at: str


class ModuleOut(Out):
    """An installed module. `version` and `health` are what the running module said last."""

    id: str
    version: str
    vendor: str
    summary: TextOut
    simulated: bool
    digest: str
    key: str
    vm_id: str
    state: str
    health: dict[str, Any] | None
    health_at: str | None
    approved_by: str | None
    approved_at: str | None
    installed_at: str | None
    job_id: str
    manifest: dict[str, Any]

    @classmethod
    def of(cls, module: Module) -> "ModuleOut":
        """Return the API's form of a module's row."""
        kept = {name: getattr(module, name) for name in cls.model_fields.keys() - {"summary"}}
        return cls(**kept, summary=TextOut(zh=module.summary_zh, en=module.summary_en))
