"""Console sessions: made at login, ended by idleness, age or logout; the cookie is never stored."""

import datetime as dt
import hmac
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from appliance import chance, clock
from appliance.canonical import digest
from appliance.errors import Forbidden, Text, Unauthenticated
from appliance.settings import Settings
from controller.actions.principal import Principal
from controller.actions.standing import principal_of
from controller.records import audit
from controller.records.session import reading, transaction
from controller.records.tables import Account, Login

COOKIE = "__Host-hbox"
_TOUCH_EVERY = 20  # seconds; a session in use is not written at every request


class BadCsrf(Forbidden):
    """A write from a browser came without the token of its session."""

    code = "auth.csrf"
    text = Text("请求缺少有效的防伪令牌", "The request carries no valid CSRF token")
    hint = Text("请刷新页面后重试。", "Reload the page and try again.")


@dataclass(frozen=True)
class Visit:
    """A request that belongs to a living session."""

    principal: Principal
    csrf: str


class CookieAttributes(TypedDict):
    """What `set_cookie` and `delete_cookie` are told beside name and value."""

    path: str
    secure: bool
    httponly: bool
    samesite: str


def cookie_attributes() -> CookieAttributes:
    """Return the cookie's attributes; the prefix `__Host-` demands Secure and the path `/`."""
    return {"path": "/", "secure": True, "httponly": True, "samesite": "Strict"}


def begin(session: Session, account: Account) -> tuple[str, str]:
    """Begin a session for `account`; return the cookie's value and the CSRF token."""
    cookie, csrf, now = chance.token(), chance.token(), clock.iso()
    session.add(
        Login(token_hash=_hash(cookie), account_id=account.id, csrf=csrf, began_at=now, seen_at=now)
    )
    return cookie, csrf


def whose(
    engine: Engine, settings: Settings, cookie: str, *, source: str, touch: bool = True
) -> Visit:
    """Return whose session `cookie` is; raise `Unauthenticated` if it has ended or never was.

    `touch` is false for a page that asks by itself: it must not keep an idle session alive.
    """
    now = clock.now()
    with reading(engine) as session:
        login = session.get(Login, _hash(cookie))
        account = session.get(Account, login.account_id) if login else None
        if login is None or account is None or account.disabled or _ended(login, settings, now):
            raise Unauthenticated
        who = principal_of(session, account, f"console {source}")
    if touch and now - _instant(login.seen_at) > dt.timedelta(seconds=_TOUCH_EVERY):
        _touch(engine, login.token_hash, clock.iso(now))
    return Visit(who, login.csrf)


def check_csrf(visit: Visit, given: str) -> None:
    """Raise `BadCsrf` unless `given` is the token of this session."""
    if not hmac.compare_digest(visit.csrf.encode(), given.encode()):
        raise BadCsrf(role=visit.principal.role, what="")


def leave(engine: Engine, cookie: str, *, source: str) -> None:
    """End the session, with an audit entry; a cookie of no session is no error."""
    with transaction(engine) as session:
        login = session.get(Login, _hash(cookie))
        if login is None:
            return
        account = session.get(Account, login.account_id)
        session.delete(login)
        if account is not None:
            act = audit.entry(
                account.name,
                account.role,
                "auth.logout",
                on=f"account/{account.name}",
                outcome="done",
                detail=source,
            )
            audit.append(session, act)


def sweep(session: Session, settings: Settings) -> None:
    """Forget the sessions that have ended by age or idleness."""
    now = clock.now()
    eldest = clock.iso(now - dt.timedelta(seconds=settings.session_absolute))
    idlest = clock.iso(now - dt.timedelta(seconds=settings.session_idle))
    session.execute(delete(Login).where((Login.began_at < eldest) | (Login.seen_at < idlest)))


def _touch(engine: Engine, token_hash: str, now: str) -> None:
    with transaction(engine) as session:
        login = session.get(Login, token_hash)
        if login is not None:
            login.seen_at = now


def _ended(login: Login, settings: Settings, now: dt.datetime) -> bool:
    age = (now - _instant(login.began_at)).total_seconds()
    idle = (now - _instant(login.seen_at)).total_seconds()
    return age > settings.session_absolute or idle > settings.session_idle


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _hash(cookie: str) -> str:
    return digest(cookie.encode())
