"""How far an account may go now: its grants, and the limits of the API token that it came in by."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.actions.base import Role
from controller.actions.principal import SEPARATOR, Principal
from controller.actions.rights import Limits, Right, Scope
from controller.records.cluster import ApiToken, Grant
from controller.records.tables import Account


def principal_of(
    session: Session, account: Account, via: str, token: ApiToken | None = None
) -> Principal:
    """Return who `account` is, having come in by `via` (and `token`), with its limits as they are now."""
    return Principal(
        account.id,
        account.name,
        Role(account.role),
        account.vendor or "",
        via,
        token=token.name if token is not None else "",
        limits=_limits(session, account, token),
    )


def standing(session: Session, actor: str, asked_at: str) -> Principal | None:
    """Derive who `actor` (`account` or `account/token`) is, for what was asked at the instant `asked_at`.

    None: there is no such account, it is disabled, or the token is revoked, or was not valid then.
    """
    name, mark, token_name = actor.partition(SEPARATOR)
    account = session.scalar(select(Account).where(Account.name == name))
    if account is None or account.disabled:
        return None
    token = None
    if mark:
        token = _token(session, account, token_name, asked_at)
        if token is None:
            return None
    return principal_of(session, account, "", token)


def _token(session: Session, account: Account, name: str, at: str) -> ApiToken | None:
    # A token that ran out while its job waited does not take the job with it; one revoked does.
    return session.scalar(
        select(ApiToken)
        .where(ApiToken.account_id == account.id, ApiToken.name == name)
        .where(ApiToken.revoked_at.is_(None))
        .where(ApiToken.created_at <= at, ApiToken.expires_at > at)
        .limit(1)
    )


def _limits(session: Session, account: Account, token: ApiToken | None) -> Limits:
    layers: list[tuple[Scope, ...]] = []
    if account.role == Role.TENANT:
        rows = session.scalars(select(Grant).where(Grant.account_id == account.id))
        layers.append(tuple(Scope(Right(row.right), row.path) for row in rows))
    if token is not None:
        layers.append((Scope(Right(token.right), token.path),))
    return tuple(layers)
