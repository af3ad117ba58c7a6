"""API tokens: keys for programs, each with fewer rights than its owner; shown once, kept as a digest."""

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from appliance import chance, clock
from appliance.canonical import canonical, digest
from appliance.errors import Conflict, Forbidden, NotFound, Text, Unauthenticated
from controller.actions import fields, places
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.actions.rights import Scope, sound_path
from controller.actions.standing import principal_of
from controller.records import audit
from controller.records.cluster import ApiToken
from controller.records.session import reading, transaction
from controller.records.tables import Account

PREFIX = "hbox_"
LONGEST = 366  # days
PER_ACCOUNT = 32
_LONGEST_KEY = 128
_TOUCH_EVERY = dt.timedelta(seconds=60)  # a token in use is not written at every request
_KEEPERS = frozenset({Role.SECURITY, Role.AUDIT, Role.AUDITOR})


class BadToken(Unauthenticated):
    """The key is unknown, has run out or was revoked, or its owner is shut out; which, is not told."""

    code = "auth.bad_token"
    text = Text("API 令牌无效或已失效。", "The API token is not valid, or not any more.")
    hint = Text("请用 hbox token create 创建新令牌。", "Make a new one with hbox token create.")


class TokenNameTaken(Conflict):
    """A living token of this account has this name."""

    code = "token.name_taken"
    text = Text("令牌名称已被使用：{name}", "A token has this name already: {name}")
    hint = Text(
        "请换一个名称，或先吊销旧令牌。", "Choose another name, or revoke the old one first."
    )


class TooManyTokens(Conflict):
    """The account has as many living tokens as an account may have."""

    code = "token.too_many"
    text = Text("账号 {name} 的令牌已达上限 {limit}", "{name} has {limit} living tokens already")
    hint = Text("请先吊销不再使用的令牌。", "Revoke those that are no longer used.")


class NotByToken(Forbidden):
    """Only the person may do this, not a program with the person's token."""

    code = "auth.not_by_token"
    text = Text("此操作须由本人登录后执行：{what}", "This takes the person, not a token: {what}")
    hint = Text("请登录控制台，或在节点上使用命令行。", "Log in to the console, or use the shell.")


@dataclass(frozen=True)
class Wanted:
    """A token to make: its name, what it is limited to, and for how many days."""

    name: str
    scope: Scope
    days: int


@dataclass(frozen=True)
class Issued:
    """A token just made. The key is here and nowhere else."""

    row: ApiToken
    key: str = field(repr=False)


def issue(engine: Engine, principal: Principal, wanted: Wanted) -> Issued:
    """Make a token for whoever asks, with an audit entry; the key cannot be shown again.

    Raises `NotByToken` (a token makes no tokens), `BadInput`, `NotFound`, `TokenNameTaken`.
    """
    if principal.token:
        raise NotByToken(role=principal.role, what="token create")
    fields.matches("name", wanted.name, fields.TOKEN)
    fields.within("days", wanted.days, 1, LONGEST)
    sound_path(wanted.scope.path)
    key, now = PREFIX + chance.token(), clock.now()
    with transaction(engine) as session:
        places.there(session, wanted.scope.path)
        account = _owner(session, principal)
        _free(session, account, wanted.name)
        row = ApiToken(
            id=chance.new_id(),
            account_id=account.id,
            name=wanted.name,
            token_hash=_hash(key),
            right=str(wanted.scope.right),
            path=wanted.scope.path,
            created_at=clock.iso(now),
            expires_at=clock.iso(now + dt.timedelta(days=wanted.days)),
        )
        session.add(row)
        _note(session, principal, "token.create", row)
    return Issued(row, key)


def enter(engine: Engine, key: str, source: str) -> Principal:
    """Return who comes with this key, narrowed to its owner's rights and its own; raise `BadToken`."""
    if not key.startswith(PREFIX) or len(key) > _LONGEST_KEY:
        raise BadToken
    now = clock.now()
    with reading(engine) as session:
        token = session.scalar(select(ApiToken).where(ApiToken.token_hash == _hash(key)))
        if token is None or token.revoked_at is not None or token.expires_at <= clock.iso(now):
            raise BadToken
        account = session.get(Account, token.account_id)
        if account is None or account.disabled:
            raise BadToken
        who = principal_of(session, account, f"token {token.name} {source}", token)
    if token.used_at is None or token.used_at < clock.iso(now - _TOUCH_EVERY):
        _touch(engine, token.id, clock.iso(now))
    return who


def revoke(engine: Engine, principal: Principal, token_id: str) -> tuple[ApiToken, str]:
    """Shut a token out at once, one's own or (security administrator) anybody's; twice is no error.

    Returns the token and its owner's name. A token may revoke itself and no other. Jobs that it asked for and that nobody began are refused.
    """
    with transaction(engine) as session:
        row = _seen(session, principal, token_id)
        owner = session.get_one(Account, row.account_id).name
        mine = owner == principal.name
        if principal.token and not (mine and row.name == principal.token):
            raise NotByToken(role=principal.role, what="token revoke")
        if not mine and principal.role is not Role.SECURITY:
            raise Forbidden(role=principal.role, what=f"吊销令牌 token revoke {token_id[:40]}")
        if row.revoked_at is None:
            row.revoked_at = clock.iso()
            _note(session, principal, "token.revoke", row)
        return row, owner


def many(session: Session, principal: Principal) -> list[tuple[ApiToken, str]]:
    """Return the tokens that this reader may see, each with its owner's name, by owner and name.

    One's own; for those who keep or audit accounts everybody's. Dead ones too: they are evidence.
    """
    query = select(ApiToken, Account.name).join(Account, Account.id == ApiToken.account_id)
    if principal.role not in _KEEPERS or principal.bounds:
        query = query.where(Account.name == principal.name)
    if principal.token:
        query = query.where(ApiToken.name == principal.token)
    rows = session.execute(query.order_by(Account.name, ApiToken.name, ApiToken.created_at))
    return [(row[0], row[1]) for row in rows]


def _seen(session: Session, principal: Principal, token_id: str) -> ApiToken:
    row = session.get(ApiToken, token_id)
    mine = row is not None and row.account_id == _owner(session, principal).id
    if row is None or not (mine or principal.role in _KEEPERS):
        raise NotFound(what="令牌 token", name=token_id)
    return row


def _owner(session: Session, principal: Principal) -> Account:
    account = session.scalar(select(Account).where(Account.name == principal.name))
    if account is None or account.disabled:
        raise Unauthenticated
    return account


def _free(session: Session, account: Account, name: str) -> None:
    living = select(ApiToken).where(
        ApiToken.account_id == account.id,
        ApiToken.revoked_at.is_(None),
        ApiToken.expires_at > clock.iso(),
    )
    held = list(session.scalars(living))
    if any(token.name == name for token in held):
        raise TokenNameTaken(name=name)
    if len(held) >= PER_ACCOUNT:
        raise TooManyTokens(name=account.name, limit=PER_ACCOUNT)


def _touch(engine: Engine, token_id: str, now: str) -> None:
    with transaction(engine) as session:
        row = session.get(ApiToken, token_id)
        if row is not None:
            row.used_at = now


def _note(session: Session, principal: Principal, act: str, row: ApiToken) -> None:
    detail = {"token": row.id, "right": row.right, "path": row.path, "until": row.expires_at}
    entry = audit.entry(
        principal.actor,
        principal.role,
        act,
        on=f"token/{row.name}",
        outcome="done",
        detail=canonical({**detail, "via": principal.via}).decode(),
    )
    audit.append(session, entry)


def _hash(key: str) -> str:
    return digest(key.encode())
