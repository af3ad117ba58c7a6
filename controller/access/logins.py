"""Logging in with name, password and second factor: one answer for every failure, locked after five, all audited."""

import datetime as dt
from dataclasses import dataclass, field
from typing import NoReturn

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.audit import Entry
from appliance.errors import Text, Unauthenticated
from appliance.secret import Secret
from appliance.settings import Settings
from controller.access import factors, passwords, sessions
from controller.actions.principal import Principal
from controller.actions.standing import principal_of
from controller.records import audit
from controller.records.session import reading, transaction
from controller.records.tables import Account, Login

FAILURES = 5
LOCKED_FOR = dt.timedelta(minutes=15)


class LoginFailed(Unauthenticated):
    """Name, password or code is wrong, or the account is locked or disabled: which, only the audit knows."""

    code = "auth.login_failed"
    text = Text(
        "账号、口令或动态口令错误，或账号已被锁定。",
        "Wrong name, password or one-time code, or the account is locked.",
    )
    hint = Text(
        "连续 5 次失败后锁定 15 分钟；每个动态口令只能用一次；需要解锁或重置请联系安全管理员。",
        "Five failures lock an account for 15 minutes; each one-time code works once; the security administrator unlocks and resets.",
    )


class PasswordNeeded(Unauthenticated):
    """The first-login code is right; a password of one's own must be set now."""

    code = "auth.password_needed"
    text = Text("首次登录：请设置新口令。", "First login: set a new password.")
    hint = passwords.WeakPassword.hint


class PasswordExpired(Unauthenticated):
    """All is right, but the password is too old: log in with a new one beside it."""

    code = "auth.password_expired"
    text = Text("口令已到期，请更换。", "The password has run out: change it.")
    hint = passwords.WeakPassword.hint


class FactorNeeded(Unauthenticated):
    """Name and password are right; this role comes in with a second factor only, and has none yet."""

    code = "auth.factor_needed"
    text = Text("请先绑定动态口令。", "Bind a second factor first.")
    hint = Text(
        "请在登录页绑定，或调用 POST /api/v1/login/factor。",
        "Bind one on the log-in page, or by POST /api/v1/login/factor.",
    )


@dataclass(frozen=True)
class Attempt:
    """What was typed; `new_password` at the first login, with the first-login code as `password`."""

    name: str
    password: str = field(repr=False)
    new_password: str = field(default="", repr=False)
    source: str = ""
    one_time_code: str = field(default="", repr=False)


@dataclass(frozen=True)
class Entered:
    """A login that succeeded: the cookie's value, the CSRF token, and who it is.

    `recovery_codes` only where a second factor was just bound: they are shown this once.
    """

    cookie: str = field(repr=False)
    csrf: str = field(repr=False)
    principal: Principal
    recovery_codes: tuple[Secret, ...] = ()


def log_in(engine: Engine, settings: Settings, attempt: Attempt) -> Entered:
    """Check the attempt and begin a session.

    Raises `LoginFailed`, `PasswordNeeded`, `WeakPassword`, `PasswordExpired` and `FactorNeeded`; the
    latter may come after a new password was accepted. With `new_password` the password is replaced,
    and every other session of the account ends.
    """
    account = prove(engine, attempt)
    if attempt.new_password:
        _prove_second(engine, settings, attempt)
    fresh = _fresh(engine, account, attempt)
    entered = _enter(engine, settings, attempt, held(account), fresh)
    if isinstance(entered, Unauthenticated):
        raise entered
    return entered


def prove(engine: Engine, attempt: Attempt) -> Account:
    """Return the account whose name and password (or first-login code) these are; raise `LoginFailed`."""
    with reading(engine) as session:
        account = by_name(session, attempt.name)
    fits = passwords.fits(Secret(attempt.password), held(account))
    if not fits or account is None or shut(account):
        fail(engine, attempt)
    return account


def _prove_second(engine: Engine, settings: Settings, attempt: Attempt) -> None:
    """Raise `LoginFailed` unless the second factor, where one is bound, is right; use nothing up.

    Asked before a new password is weighed: what is said of that would tell that the present one is right.
    """
    with transaction(engine) as session:
        account = by_name(session, attempt.name)
        unbound = account is not None and account.factor_secret is None
        if unbound or (account and factors.fits(session, settings, account, attempt.one_time_code)):
            return
        refused = refuse(session, account, attempt, "second factor")
    raise refused


def _fresh(engine: Engine, account: Account, attempt: Attempt) -> str | None:
    """Return the hash of the new password, None where the old one stays."""
    if not attempt.new_password:
        if account.password_hash is None:
            raise PasswordNeeded
        return None
    if attempt.new_password == attempt.password:
        raise passwords.WeakPassword(zh="与原口令相同", en="it is the old one")
    wanted = Secret(attempt.new_password)
    passwords.accept(wanted, account.name)
    with reading(engine) as session:
        past = passwords.earlier(session, account)
    passwords.unlike(wanted, past)
    return passwords.hashed(wanted)


def _enter(
    engine: Engine, settings: Settings, attempt: Attempt, before: str | None, fresh: str | None
) -> Entered | Unauthenticated:
    """Begin the session; else what is still to be done, or that it failed.

    Nothing is raised here: what was used up, set or counted stays so. A failure is counted in the
    transaction that saw it: guesses that come at once are no more than those that come in a row.
    """
    with transaction(engine) as session:
        account = by_name(session, attempt.name)
        if account is None or shut(account) or held(account) != before:
            return refuse(session, account, attempt, "changed meanwhile")
        proof = "password"
        if account.factor_secret is not None:
            second = factors.passes(session, settings, account, attempt.one_time_code)
            if second is None:
                return refuse(session, account, attempt, "second factor")
            proof = second
        account.failed, account.locked_until = 0, None
        missing = _missing(session, settings, account, attempt, fresh)
        if missing is not None:
            return missing
        detail = f"{attempt.source}; {proof}" + ("; new password" if fresh else "")
        return welcome(session, settings, account, attempt.source, detail)


def _missing(
    session: Session, settings: Settings, account: Account, attempt: Attempt, fresh: str | None
) -> Unauthenticated | None:
    """Set the new password where there is one; return what keeps the account out nevertheless."""
    if fresh is not None:
        passwords.replace(session, account, fresh)
        session.execute(delete(Login).where(Login.account_id == account.id))
    elif passwords.expired(account, settings.password_days):
        return PasswordExpired()
    if account.factor_secret is None and factors.must(account, settings):
        if fresh is not None:
            note(session, account, "auth.password", "done", attempt.source)
        return FactorNeeded()
    return None


def welcome(
    session: Session, settings: Settings, account: Account, source: str, detail: str
) -> Entered:
    """Begin a session for somebody who has proved who they are; `detail` is for the audit trail."""
    sessions.sweep(session, settings)
    cookie, csrf = sessions.begin(session, account)
    note(session, account, "auth.login", "done", detail)
    return Entered(cookie, csrf, principal_of(session, account, f"console {source}"))


def fail(engine: Engine, attempt: Attempt, why: str = "") -> NoReturn:
    """Count and record a failure (`why` says of what, beside the password) and raise `LoginFailed`."""
    with transaction(engine) as session:
        refused = refuse(session, by_name(session, attempt.name), attempt, why)
    raise refused


def refuse(session: Session, account: Account | None, attempt: Attempt, why: str) -> LoginFailed:
    """Count and record a failure within this transaction; return what to raise after it."""
    if account is None:
        # The name is not written down: people type passwords into the wrong field.
        audit.append(session, _act("unknown", "none", "auth.login", "refused", attempt.source))
        return LoginFailed()
    _count(account)
    seen = "locked" if shut(account) else f"failure {account.failed}"
    told = "; ".join(part for part in (attempt.source, why, seen) if part)
    note(session, account, "auth.login", "refused", told)
    return LoginFailed()


def _count(account: Account) -> None:
    if shut(account):
        return  # guessing on does not prolong it: nobody can lock a colleague out for good
    account.failed += 1
    if account.failed >= FAILURES:
        account.failed, account.locked_until = 0, clock.iso(clock.now() + LOCKED_FOR)


def shut(account: Account) -> bool:
    """Whether the account is disabled, or locked now."""
    locked = account.locked_until is not None and account.locked_until > clock.iso()
    return account.disabled or locked


def held(account: Account | None) -> str | None:
    """Return the hash that a password is held against: its own, before the first login the code's."""
    return (account.password_hash or account.code_hash) if account else None


def by_name(session: Session, name: str) -> Account | None:
    """Return the account of that name."""
    return session.scalar(select(Account).where(Account.name == name))


def note(session: Session, account: Account, act: str, outcome: str, detail: str) -> None:
    """Append to the audit trail what this account did at the door."""
    audit.append(session, _act(account.name, account.role, act, outcome, detail))


def _act(actor: str, role: str, act: str, outcome: str, detail: str) -> Entry:
    return audit.entry(actor, role, act, on=f"account/{actor}", outcome=outcome, detail=detail)
