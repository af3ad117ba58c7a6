"""What may be asked about accounts: add one, shut one out, unlock one, take a lost password or phone away."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BadInput, Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records.tables import Account, Login, RecoveryCode

ADMINISTRATORS = (Role.SYSTEM, Role.SECURITY, Role.AUDIT)


class AccountNameTaken(Conflict):
    """Another account has this name."""

    code = "account.name_taken"
    text = Text("账号名已被使用：{name}", "An account has this name already: {name}")
    hint = Text("请换一个名称。", "Choose another name.")


class AccountDisabled(Conflict):
    """The account was disabled: nothing brings it back."""

    code = "account.disabled"
    text = Text("账号 {name} 已停用", "The account {name} is disabled")
    hint = Text("请添加新账号。", "Add another account.")


class LastAdministrator(Conflict):
    """Nobody would hold this administrator's role any more."""

    code = "account.last_administrator"
    text = Text(
        "{name} 是最后一位 {role} 管理员", "{name} is the last administrator of role {role}"
    )
    hint = Text("请先为该角色添加另一个账号。", "Add another account of this role first.")


@dataclass(frozen=True)
class AddAccount(Action):
    """Add an account; its one-time code is made by the worker. `vendor` is "" but for role vendor."""

    account_id: str
    name: str
    role: str
    vendor: str

    kind: ClassVar[str] = "account.add"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    by_token: ClassVar[bool] = False
    sentence: ClassVar[Text] = Text("添加账号 {name}（{role}）", "Add the account {name} ({role})")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"account/{self.name}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("account_id", self.account_id, fields.ID)
        fields.matches("name", self.name, fields.NAME)
        fields.one_of("role", self.role, tuple(Role))
        if (self.role == Role.VENDOR) != bool(self.vendor):
            raise BadInput(
                what="vendor", why="仅厂商账号须填写 given for the role vendor, and for no other"
            )
        if self.vendor:
            fields.matches("vendor", self.vendor, fields.NAME)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if session.scalar(select(Account.id).where(Account.name == self.name)) is not None:
            raise AccountNameTaken(name=self.name)

    def wish(self, session: Session, job_id: str) -> None:
        """Record the account without any way in; the worker makes its one-time code."""
        session.add(
            Account(
                id=self.account_id,
                name=self.name,
                role=self.role,
                vendor=self.vendor or None,
                created_at=clock.iso(),
            )
        )

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        account = session.get(Account, self.account_id)
        if account is None or (account.name, account.role) != (self.name, self.role):
            raise Conflict(why=f"the record of {self.name} is not what this job wished")
        if account.password_hash or account.code_hash:
            raise Conflict(why=f"{self.name} can log in already")

    def forget(self, session: Session, job_id: str) -> None:
        """Remove an account that nobody can have used."""
        account = session.get(Account, self.account_id)
        if account is None or account.name != self.name:
            return
        if account.password_hash is None and account.code_hash is None:
            session.delete(account)


@dataclass(frozen=True)
class _OfAccount(Action):
    """What the security administrator does to one account."""

    name: str

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    by_token: ClassVar[bool] = False

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"account/{self.name}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("name", self.name, fields.NAME)


@dataclass(frozen=True)
class DisableAccount(_OfAccount):
    """Shut an account out; it works at once, and its sessions end."""

    kind: ClassVar[str] = "account.disable"
    sentence: ClassVar[Text] = Text("停用账号 {name}", "Disable the account {name}")

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        account = find(session, self.name)
        if account.role not in ADMINISTRATORS or account.disabled:
            return
        others = (
            select(func.count())
            .select_from(Account)
            .where(Account.role == account.role, ~Account.disabled, Account.id != account.id)
        )
        if not session.scalar(others):
            raise LastAdministrator(name=self.name, role=account.role)

    def wish(self, session: Session, job_id: str) -> None:
        """Shut out at once: waiting for a worker would leave a door open."""
        account = find(session, self.name)
        account.disabled = True
        session.execute(delete(Login).where(Login.account_id == account.id))


@dataclass(frozen=True)
class UnlockAccount(_OfAccount):
    """End the lock that wrong log-ins brought about."""

    kind: ClassVar[str] = "account.unlock"
    by_another: ClassVar[bool] = True
    sentence: ClassVar[Text] = Text("解锁账号 {name}", "Unlock the account {name}")

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        living(session, self.name)

    def wish(self, session: Session, job_id: str) -> None:
        """End the lock at once."""
        account = living(session, self.name)
        account.failed, account.locked_until = 0, None


@dataclass(frozen=True)
class ResetAccount(_OfAccount):
    """Take a forgotten password away, with `factor` a lost second factor too; a fresh code lets in once.

    The factor never goes alone: whoever has only the password could then bind one of their own.
    """

    factor: bool

    kind: ClassVar[str] = "account.reset"
    by_another: ClassVar[bool] = True
    sentence: ClassVar[Text] = Text(
        "重置账号 {name} 的登录凭据", "Reset what the account {name} logs in with"
    )

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"second_factor": self.factor}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        living(session, self.name)

    def wish(self, session: Session, job_id: str) -> None:
        """Take it away at once, and end the sessions; the worker makes the fresh code."""
        clear(session, living(session, self.name), factor=self.factor)


def clear(session: Session, account: Account, *, factor: bool) -> None:
    """Take the password away, with `factor` the second factor too; sessions and lock end."""
    account.password_hash = account.code_hash = account.password_at = None
    account.failed, account.locked_until = 0, None
    session.execute(delete(Login).where(Login.account_id == account.id))
    if factor:
        account.factor_secret, account.factor_at, account.factor_step = None, None, 0
        session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))


def living(session: Session, name: str) -> Account:
    """Return the account's row; raise `NotFound`, and `AccountDisabled` where it is shut out for good."""
    account = find(session, name)
    if account.disabled:
        raise AccountDisabled(name=name)
    return account


def find(session: Session, name: str) -> Account:
    """Return the account's row by name; raise `NotFound`."""
    account = session.scalar(select(Account).where(Account.name == name))
    if account is None:
        raise NotFound(what="账号 account", name=name)
    return account
