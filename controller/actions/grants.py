"""What may be asked about grants: give an account of the role tenant a right below a path, take it back."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import BadInput, Conflict, Text
from controller.actions import fields, places
from controller.actions.accounts import find
from controller.actions.base import Action, Role
from controller.actions.rights import Right, sound_path
from controller.records import tenants
from controller.records.cluster import Grant


class GrantThere(Conflict):
    """The account has a grant on this path already."""

    code = "grant.there_already"
    text = Text(
        "{account} 在 {path} 上已有授权：{right}", "{account} has {right} on {path} already"
    )
    hint = Text("如需更改，请先收回再授予。", "To change it, take it back first.")


@dataclass(frozen=True)
class _OneGrant(Action):
    """Base: which grant, and all that it says, so that row, title and audit entry say it too."""

    grant_id: str
    account: str
    right_given: str
    path: str

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    by_token: ClassVar[bool] = False

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"grant/{self.grant_id}"

    def locks(self) -> tuple[str, ...]:
        """The account's grants, one change at a time."""
        return (f"grants/{self.account}",)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"account": self.account, "right": self.right_given, "path": self.path}

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("grant_id", self.grant_id, fields.ID)
        fields.matches("account", self.account, fields.NAME)
        fields.one_of("right", self.right_given, tuple(Right))
        sound_path(self.path)


@dataclass(frozen=True)
class AddGrant(_OneGrant):
    """Let an account do something below a path."""

    kind: ClassVar[str] = "grant.add"
    sentence: ClassVar[Text] = Text(
        "授予 {account} 对 {path} 的权限 {right_given}",
        "Grant {account} the right {right_given} on {path}",
    )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        account = find(session, self.account)
        if account.role != Role.TENANT:
            raise BadInput(
                what="account", why="只有租户角色需要授权 only the role tenant is granted anything"
            )
        places.there(session, self.path)
        held = session.scalar(
            select(Grant).where(Grant.account_id == account.id, Grant.path == self.path)
        )
        if held is not None and held.id != self.grant_id:
            raise GrantThere(account=self.account, path=self.path, right=held.right)


@dataclass(frozen=True)
class RemoveGrant(_OneGrant):
    """Take a grant back; it works at once."""

    kind: ClassVar[str] = "grant.remove"
    sentence: ClassVar[Text] = Text(
        "收回 {account} 对 {path} 的权限 {right_given}",
        "Take the right {right_given} on {path} back from {account}",
    )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        held, account = tenants.grant(session, self.grant_id)
        if (account, held.right, held.path) != (self.account, self.right_given, self.path):
            raise Conflict(why=f"the grant {self.grant_id} says something else")

    def wish(self, session: Session, job_id: str) -> None:
        """Take it back at once: waiting for a worker would leave a door open."""
        held, _ = tenants.grant(session, self.grant_id)
        session.delete(held)

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`. It is gone already, or will be."""
