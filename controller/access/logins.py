"""Logging in with name and password: one answer for every failure, locked after five, all audited."""

import datetime as dt
from dataclasses import dataclass, field
from typing import NoReturn

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Text, Unauthenticated
from appliance.secret import Secret
from appliance.settings import Settings
from controller.access import passwords, sessions
from controller.actions.principal import Principal
from controller.actions.standing import principal_of
from controller.records import audit
from controller.records.session import reading, transaction
from controller.records.tables import Account, Login

FAILURES = 5
LOCKED_FOR = dt.timedelta(minutes=15)


class LoginFailed(Unauthenticated):
    """Name or password is wrong, or the account is locked or disabled: which, only the audit knows."""

    code = "auth.login_failed"
    text = Text(
        "账号或口令错误，或账号已被锁定。", "Wrong name or password, or the account is locked."
    )
    hint = Text(
        "连续 5 次失败后锁定 15 分钟；忘记口令请联系安全管理员。",
        "Five failures lock an account for 15 minutes; ask the security administrator for help.",
    )


class PasswordNeeded(Unauthenticated):
    """The one-time code is right; a password of one's own must be set now."""

    code = "auth.password_needed"
    text = Text("首次登录：请设置新口令。", "First login: set a new password.")
    hint = passwords.WeakPassword.hint


@dataclass(frozen=True)
class Attempt:
    """What was typed; `new_password` at the first login, with the one-time code as `password`."""

    name: str
    password: str = field(repr=False)
    new_password: str = field(default="", repr=False)
    source: str = ""


@dataclass(frozen=True)
class Entered:
    """A login that succeeded: the cookie's value, the CSRF token, and who it is."""

    cookie: str = field(repr=False)
    csrf: str = field(repr=False)
    principal: Principal


def log_in(engine: Engine, settings: Settings, attempt: Attempt) -> Entered:
    """Check the attempt and begin a session; raise `LoginFailed`, `PasswordNeeded` or `WeakPassword`.

    With `new_password` the password is replaced, and every other session of the account ends.
    """
    with reading(engine) as session:
        account = _by_name(session, attempt.name)
    held = _held(account)
    fits = passwords.fits(Secret(attempt.password), held)
    if not fits or account is None or _shut(account):
        _fail(engine, attempt)
    fresh = _fresh(account, attempt)
    entered = _enter(engine, settings, attempt, held, fresh)
    if entered is None:
        _fail(engine, attempt)
    return entered


def _fresh(account: Account, attempt: Attempt) -> str | None:
    """Return the hash of the new password, None where the old one stays."""
    if not attempt.new_password:
        if account.password_hash is None:
            raise PasswordNeeded
        return None
    if attempt.new_password == attempt.password:
        raise passwords.WeakPassword(zh="与原口令相同", en="it is the old one")
    passwords.accept(Secret(attempt.new_password), account.name)
    return passwords.hashed(Secret(attempt.new_password))


def _enter(
    engine: Engine, settings: Settings, attempt: Attempt, held: str | None, fresh: str | None
) -> Entered | None:
    """Begin the session; None if the account was locked, disabled or changed while we hashed."""
    with transaction(engine) as session:
        account = _by_name(session, attempt.name)
        if account is None or _shut(account) or _held(account) != held:
            return None
        account.failed, account.locked_until = 0, None
        if fresh is not None:
            account.password_hash, account.code_hash = fresh, None
            session.execute(delete(Login).where(Login.account_id == account.id))
        sessions.sweep(session, settings)
        cookie, csrf = sessions.begin(session, account)
        detail = attempt.source if fresh is None else f"{attempt.source}; new password"
        _note(session, account.name, account.role, "done", detail)
        principal = principal_of(session, account, f"console {attempt.source}")
        return Entered(cookie, csrf, principal)


def _fail(engine: Engine, attempt: Attempt) -> NoReturn:
    with transaction(engine) as session:
        account = _by_name(session, attempt.name)
        if account is None:
            # The name is not written down: people type passwords into the wrong field.
            _note(session, "unknown", "none", "refused", attempt.source)
        else:
            _count(account)
            why = "locked" if _shut(account) else f"failure {account.failed}"
            _note(session, account.name, account.role, "refused", f"{attempt.source}; {why}")
    raise LoginFailed


def _count(account: Account) -> None:
    if _shut(account):
        return  # guessing on does not prolong it: nobody can lock a colleague out for good
    account.failed += 1
    if account.failed >= FAILURES:
        account.failed, account.locked_until = 0, clock.iso(clock.now() + LOCKED_FOR)


def _shut(account: Account) -> bool:
    locked = account.locked_until is not None and account.locked_until > clock.iso()
    return account.disabled or locked


def _held(account: Account | None) -> str | None:
    return (account.password_hash or account.code_hash) if account else None


def _by_name(session: Session, name: str) -> Account | None:
    return session.scalar(select(Account).where(Account.name == name))


def _note(session: Session, actor: str, role: str, outcome: str, detail: str) -> None:
    act = audit.entry(
        actor, role, "auth.login", on=f"account/{actor}", outcome=outcome, detail=detail
    )
    audit.append(session, act)
