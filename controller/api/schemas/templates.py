"""Templates and their uploads in and out of the API."""

from typing import Literal

from pydantic import Field

from controller.api.schemas.base import In, Out

DIGEST = r"^[0-9a-f]{64}$"


class TemplateIn(In):
    """An uploaded image to take in. `boot`: disk (its own boot loader) or kernel (the box's kernel)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$")
    version: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+~-]{0,31}$")
    upload: str = Field(pattern=r"^[0-9a-f-]{36}\.img$")
    digest: str = Field(pattern=DIGEST)
    boot: Literal["disk", "kernel"] = "disk"


class ImageUploadOut(Out):
    """An image that was handed in; nothing is believed of it before the worker has examined it."""

    upload: str
    digest: str
    size: int


class TemplateOut(Out):
    """A template. `state`: importing, ready, changed (not what was signed: never used), removing.

    `digest` is the SHA-256 of the box's own file once it is ready, of the upload before; `signature` is
    that of its description by the key `signer`. `built_in`: part of the box's own image.
    """

    id: str
    name: str
    version: str
    source: str
    digest: str
    signer: str
    signature: str
    format: str
    boot: str
    size_mib: int
    state: str
    checked_at: str | None
    job_id: str
    created_at: str
    built_in: bool
