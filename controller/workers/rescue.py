"""Root's way out when the last security administrator lost password or phone: nobody else could reset it."""

from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from appliance.errors import Conflict, Text
from appliance.settings import Settings
from controller.access.passwords import hashed
from controller.actions.accounts import clear, living
from controller.actions.base import Role
from controller.records import audit
from controller.records.session import transaction
from controller.records.tables import Account
from controller.workers.accounts import first_code


class NotTheLast(Conflict):
    """Another person can reset this account, so root must not."""

    code = "account.not_the_last"
    text = Text("{name} 可由其他安全管理员重置", "A security administrator can reset {name}")
    hint = Text(
        "请由安全管理员执行 hbox account reset；本命令仅用于最后一位安全管理员。",
        "Let a security administrator reset it; this command is for the last of them only.",
    )


def rescue(engine: Engine, settings: Settings, name: str) -> Path:
    """Take password and second factor of the last security administrator away; return the fresh code's file.

    Raises `NotFound`, `AccountDisabled` and `NotTheLast`. The audit trail says that root did it.
    """
    path = settings.state / "codes" / name
    with transaction(engine) as session:
        _check(session, name)
    code = first_code(path)
    proof = hashed(code)
    with transaction(engine) as session:
        account = _check(session, name)
        clear(session, account, factor=True)
        account.code_hash = proof
        act = audit.entry(
            "root",
            "local",
            "account.rescue",
            on=f"account/{name}",
            outcome="done",
            detail="password and second factor",
        )
        audit.append(session, act)
    return path


def _check(session: Session, name: str) -> Account:
    account = living(session, name)
    others = select(func.count()).select_from(Account)
    others = others.where(
        Account.role == str(Role.SECURITY), ~Account.disabled, Account.id != account.id
    )
    if account.role != Role.SECURITY or session.scalar(others):
        raise NotTheLast(name=name)
    return account
