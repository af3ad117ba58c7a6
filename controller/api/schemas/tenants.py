"""Tenants, grants and API tokens, in and out of the API."""

from typing import Literal

from pydantic import Field

from controller.actions.tenants import MOST
from controller.api.schemas.base import In, Out

NAME = r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$"
PATH = r"^(/|/tenants/[a-z][a-z0-9-]{0,30}[a-z0-9]|/vms/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
RightName = Literal["view", "operate", "manage"]


class ScopeOut(Out):
    """A right on a path and all below it."""

    right: RightName
    path: str


class LimitsIn(In):
    """A tenant's limits; memory in MiB, disk in GiB, 0 means no limit."""

    vms: int = Field(default=0, ge=0, le=MOST["vms"])
    vcpus: int = Field(default=0, ge=0, le=MOST["vcpus"])
    memory_mib: int = Field(default=0, ge=0, le=MOST["memory_mib"])
    disk_gib: int = Field(default=0, ge=0, le=MOST["disk_gib"])


class TenantIn(LimitsIn):
    """A tenant to make, or whose limits are to be others."""

    name: str = Field(pattern=NAME)


class AmountOut(Out):
    """Machines, CPUs, memory in MiB, disk in GiB."""

    vms: int
    vcpus: int
    memory_mib: int
    disk_gib: int


class TenantOut(Out):
    """A tenant: what it may take (0: no limit) and what it has taken. `version` is its ETag."""

    name: str
    limits: AmountOut
    used: AmountOut
    version: int
    created_at: str


class GrantIn(In):
    """A right below a path, for an account of the role tenant."""

    account: str = Field(pattern=NAME)
    right: RightName
    path: str = Field(pattern=PATH)


class GrantOut(Out):
    """A grant, and who gave it."""

    id: str
    account: str
    right: RightName
    path: str
    made_by: str
    created_at: str


class TokenIn(In):
    """A token to make for oneself: never more than oneself may, and of that only `right` below `path`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,29}[a-z0-9]$")
    right: RightName = "view"
    path: str = Field(default="/", pattern=PATH)
    days: int = Field(default=30, ge=1, le=366)


class TokenOut(Out):
    """A token, without its key. `alive`: neither revoked nor run out."""

    id: str
    owner: str
    name: str
    right: RightName
    path: str
    created_at: str
    expires_at: str
    used_at: str | None
    revoked_at: str | None
    alive: bool


class TokenMadeOut(Out):
    """A token just made. `key` is shown this once; only its SHA-256 is kept."""

    key: str
    token: TokenOut
