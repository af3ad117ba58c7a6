"""Virus signatures in and out of the API."""

from pydantic import Field

from controller.api.schemas.base import In, Out


class SignaturesOut(Out):
    """One file that the scanner reads. Size in bytes; `signed` files carry their maker's signature."""

    name: str
    size: int
    signed: bool
    taken_at: str
    built: str
    version: str
    count: str = Field(description="signatures in it, as its maker says")


class SignaturesUploadOut(Out):
    """A file handed in: name it in the request that takes it. Size in bytes."""

    upload: str
    digest: str = Field(description="SHA-256 of the file")
    size: int


class SignaturesIn(In):
    """An uploaded file to take, under the name it came with."""

    name: str
    upload: str
    digest: str
