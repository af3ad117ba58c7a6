"""The box as a whole, its nodes, inspections, accounts and audit, in and out of the API."""

from typing import Any, Literal

from pydantic import Field

from controller.api.schemas.base import In, Out, Query
from controller.api.schemas.tenants import ScopeOut

RoleName = Literal["system", "security", "audit", "vendor", "auditor", "tenant"]


class FeaturesOut(Out):
    """What this API can do; names are only ever added."""

    version: str
    features: list[str]


class StatusOut(Out):
    """The box at a glance: counts by state."""

    site: str
    version: str
    nodes: int
    vms: dict[str, int]
    jobs: dict[str, int]
    modules: dict[str, int]
    last_compliance_at: str | None
    last_proof_at: str | None
    open_ways: int | None


class NodeOut(Out):
    """A server of the box with its last inventory; `accelerator` is what really works (kvm, tcg)."""

    name: str
    accelerator: str | None
    facts: dict[str, Any] | None
    facts_at: str | None


class RunOut(Out):
    """One compliance run; `summary` holds the counts per verdict and layer."""

    id: str
    at: str
    seconds: float
    ruleset: str
    digest: str
    summary: dict[str, Any]


class ReportForm(Query):
    """In which form to download a report."""

    form: Literal["html", "json", "xlsx", "pdf"] = "html"


class AccountOut(Out):
    """An account, without anything that lets one in."""

    id: str
    name: str
    role: RoleName
    vendor: str | None
    unix_user: str | None
    disabled: bool
    locked_until: str | None
    pending: bool = Field(description="the first login is still to come")
    password_at: str | None
    factor_at: str | None = Field(description="since when it has a second factor")
    created_at: str


class AccountIn(In):
    """An account to add; `vendor` for the role vendor only."""

    name: str
    role: RoleName
    vendor: str = ""


class ResetIn(In):
    """What is lost: the password, with `factor` the second factor too."""

    factor: bool = False


class EntryOut(Out):
    """One link of the audit chain."""

    number: int
    at: str
    actor: str
    role: str
    act: str
    object: str
    detail: str
    outcome: str
    previous: str
    hash: str


class ChainOut(Out):
    """Whether the audit chain holds. `sealed` is the last entry that the worker's seal covers.

    `seals` is "hold", "broken", or "unknown" where the seals or the public key cannot be read.
    """

    holds: bool
    entries: int
    head: str
    broken_at: int | None
    why: str
    seals: Literal["hold", "broken", "unknown"]
    sealed: int


class LoginIn(In):
    """Name and password; on the first login the first-login code as password, and a new password.

    `one_time_code` is the second factor: the code that the app shows now, or one of the recovery codes.
    """

    name: str = Field(max_length=64)
    password: str = Field(max_length=256)
    new_password: str = Field(default="", max_length=256)
    one_time_code: str = Field(default="", max_length=64)


class FactorIn(In):
    """Who asks for a second factor; `one_time_code` where one is bound already."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=256)
    one_time_code: str = Field(default="", max_length=64)


class FactorOut(Out):
    """A secret on offer (base 32, and as the address that apps read), and the ticket to bind it with."""

    name: str
    secret: str
    uri: str
    ticket: str


class FactorProof(In):
    """The ticket of an offer, and the code that the app shows for its secret now."""

    ticket: str = Field(max_length=1024)
    one_time_code: str = Field(max_length=64)


class SessionOut(Out):
    """Who is logged in. Writes from a browser carry `csrf` in the header `X-CSRF-Token`.

    `token` is the API token's name where a program asks. `limits`: layers, each of which must hold a
    right on the path (or one above it); no layers, no limits.
    """

    name: str
    role: RoleName
    vendor: str
    via: str
    csrf: str
    token: str = ""
    limits: list[list[ScopeOut]] = Field(default_factory=list)
    recovery_codes: list[str] = Field(
        default_factory=list, description="only after a second factor was bound, this once"
    )
