"""Binding a second factor: a secret is offered to who proved their password, and kept once a code proves it.

Nothing is written before: the offer travels as a sealed ticket that only this box can open.
"""

import datetime as dt
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace

from sqlalchemy import Engine, delete

from appliance import clock
from appliance.canonical import canonical, digest
from appliance.errors import BadInput, Text, Unauthenticated
from appliance.sealing import WrongKey
from appliance.secret import Secret
from appliance.settings import Settings
from controller.access import factors, passwords
from controller.access.logins import (
    Attempt,
    Entered,
    LoginFailed,
    PasswordExpired,
    PasswordNeeded,
    by_name,
    held,
    note,
    prove,
    refuse,
    shut,
    welcome,
)
from controller.records.session import transaction
from controller.records.tables import Account, Login

GOOD_FOR = dt.timedelta(minutes=10)
_PURPOSE = "second factor on offer"


class WrongFirstCode(BadInput):
    """The code does not come from the secret that was just shown."""

    code = "auth.wrong_first_code"
    text = Text("动态口令不符", "This is not the code")
    hint = Text(
        "请核对手机时间是否准确，等待下一个动态口令后重试。",
        "Check the phone's clock, wait for the next code, then try again.",
    )


class OfferOver(Unauthenticated):
    """The offer is too old, was used, or the account changed since; which, is not told."""

    code = "auth.offer_over"
    text = Text("绑定已超时或已完成，请重新开始。", "The offer is over or was used: begin again.")


@dataclass(frozen=True)
class Offer:
    """A secret to be put into an authenticator app, and the ticket that comes back with its first code."""

    name: str
    secret: Secret
    uri: Secret
    ticket: Secret = field(repr=False)


def offer(engine: Engine, settings: Settings, attempt: Attempt) -> Offer:
    """Return a fresh secret for whoever proves name and password, and the present factor where there is one.

    Raises `LoginFailed`, `PasswordNeeded` and `PasswordExpired`.
    """
    before = held(prove(engine, attempt))
    with transaction(engine) as session:
        account = by_name(session, attempt.name)
        good = account is not None and not shut(account) and held(account) == before
        if account is not None and good and account.factor_secret is not None:
            good = factors.passes(session, settings, account, attempt.one_time_code) is not None
        refused = None if good else refuse(session, account, attempt, "second factor")
    if account is None or refused is not None:
        raise refused or LoginFailed
    if account.password_hash is None:
        raise PasswordNeeded
    if passwords.expired(account, settings.password_days):
        raise PasswordExpired
    secret = factors.new_secret()
    told = {
        "account": account.id,
        "name": account.name,
        "secret": secret.reveal(),
        "at": clock.iso(),
        "on": _state(account),
    }
    sealed = factors.lock(settings).close(canonical(told), _PURPOSE)
    uri = Secret(factors.address(secret, account.name, settings.site_name))
    return Offer(account.name, secret, uri, Secret(urlsafe_b64encode(sealed).decode()))


def again(settings: Settings, ticket: str) -> Offer:
    """Return the same offer once more, for a page that is shown again; raise `OfferOver`."""
    told = _opened(settings, ticket)
    secret = Secret(told["secret"])
    uri = factors.address(secret, told["name"], settings.site_name)
    return Offer(told["name"], secret, Secret(uri), Secret(ticket))


def accept(engine: Engine, settings: Settings, ticket: str, typed: str, source: str) -> Entered:
    """Bind the offered factor if `typed` is its code now, and begin a session.

    The account's other sessions end, earlier recovery codes too; ten new ones come with the answer.
    Raises `OfferOver`, `WrongFirstCode` and `LoginFailed`.
    """
    told = _opened(settings, ticket)
    secret = Secret(told["secret"])
    step = factors.step_of(secret, factors.plain(typed), clock.now(), 0)
    if step is None:
        raise WrongFirstCode
    with transaction(engine) as session:
        account = session.get(Account, told["account"])
        if account is None or _state(account) != told["on"]:
            raise OfferOver
        if shut(account):
            raise LoginFailed
        factors.bind(session, settings, account, secret, step)
        session.execute(delete(Login).where(Login.account_id == account.id))
        codes = factors.recovery_codes(session, account)
        note(session, account, "auth.factor.bind", "done", source)
        entered = welcome(session, settings, account, source, f"{source}; one-time code")
    return replace(entered, recovery_codes=codes)


def _opened(settings: Settings, ticket: str) -> dict[str, str]:
    try:
        sealed = urlsafe_b64decode(ticket.encode("ascii"))
        told: dict[str, str] = json.loads(factors.lock(settings).open(sealed, _PURPOSE))
    except (ValueError, WrongKey) as error:
        raise OfferOver from error
    if clock.now() - clock.read_iso(told["at"]) > GOOD_FOR:
        raise OfferOver
    return told


def _state(account: Account) -> str:
    # A new password, another factor or a reset: each ends the offers made before it.
    return digest(canonical([account.password_hash or "", account.factor_secret or ""]))
