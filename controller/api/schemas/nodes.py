"""Nodes, their tokens, and what a joining node says and hears."""

from typing import Any

from pydantic import Field

from controller.api.schemas.base import In, Out, TextOut


class NodeOut(Out):
    """A server of the box with its last inventory; `accelerator` is what really works (kvm, tcg).

    `state`: joining, active, maintenance, replacing, leaving. `why` says why it does not answer now.
    """

    name: str
    state: str
    home: bool
    address: str
    host_key: str
    joined_at: str | None
    seen_at: str | None
    why: str | None
    accelerator: str | None
    facts: dict[str, Any] | None
    facts_at: str | None
    version: int


class TokenIn(In):
    """A token to make: for which node ("": any new one), whether it replaces a dead one, for how long."""

    name: str = Field(default="", max_length=63)
    replace: bool = False
    minutes: int = Field(default=60, ge=1, le=1440)


class TokenOut(Out):
    """A token, once: nobody can see it again. `spoken` is shown by the joining node too."""

    id: str
    token: str
    spoken: str
    name: str
    replaces: bool
    expires_at: str


class TokenShown(Out):
    """A token without its secret."""

    id: str
    name: str
    replaces: bool
    made_by: str
    made_at: str
    expires_at: str
    used_at: str | None
    job_id: str | None


class AuthorityOut(Out):
    """The box's CA certificate, PEM. Whoever reads it without TLS trust compares its fingerprint."""

    certificate: str


class HelloIn(In):
    """A joining node's first word: the secret of its token, and who it is."""

    secret: str = Field(max_length=128)
    name: str = Field(max_length=63)
    address: str = Field(max_length=45)
    build: str = Field(max_length=64)


class HelloOut(Out):
    """What the node must know before it opens itself: the controller's SSH key, and from where it comes."""

    site: str
    now: str
    name: str
    addresses: list[str]
    ssh_key: str


class JoinIn(In):
    """The node's whole application: what it is called, where it is, its SSH key and certificate requests."""

    secret: str = Field(max_length=128)
    name: str = Field(max_length=63)
    address: str = Field(max_length=45)
    host_key: str = Field(max_length=256)
    requests: dict[str, str] = Field(max_length=4)
    build: str = Field(max_length=64)


class ProgressIn(In):
    """The secret of the token by which the node came."""

    secret: str = Field(max_length=128)


class ConfigureIn(In):
    """With `dry_run` the roles only say what they would change."""

    dry_run: bool = False


class MoveOut(Out):
    """Where a machine would go; `node` null: nowhere, and `why` says why."""

    vm_id: str
    name: str
    node: str | None
    why: TextOut | None


class DrainPlanOut(Out):
    """What draining a node would do; `away`: it does not answer, so nothing can be moved."""

    node: str
    away: str | None
    moves: list[MoveOut]
