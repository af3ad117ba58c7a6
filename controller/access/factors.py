"""The second factor: time-based one-time codes (RFC 6238) and the recovery codes beside them."""

import base64
import datetime as dt
import unicodedata
from urllib.parse import quote, urlencode

import segno
from cryptography.hazmat.primitives import constant_time, hashes
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from appliance import chance, clock
from appliance.canonical import digest
from appliance.sealing import KeyFile
from appliance.secret import Secret
from appliance.settings import Settings
from controller.actions.base import Role
from controller.records.tables import Account, RecoveryCode

# What every authenticator app takes; others of RFC 6238's choices some silently ignore.
STEP, DIGITS, SECRET = 30, 6, 20  # seconds, digits, bytes (RFC 4226 section 4: 160 bits)
WINDOW = 1  # steps before and after now: clocks differ, and people type slowly (RFC 6238 5.2)
CODES = 10
ADMINISTRATORS = frozenset({Role.SYSTEM, Role.SECURITY, Role.AUDIT})
KEY = "factor.key"
_PURPOSE = "second factor of "


def lock(settings: Settings) -> KeyFile:
    """Return what the secrets are sealed with: a key that lies apart from the records."""
    return KeyFile(settings.state / "tls" / KEY)


def new_secret() -> Secret:
    """Return a fresh secret in base 32, as people type it into an app."""
    return Secret(base64.b32encode(chance.raw(SECRET)).decode())


def address(secret: Secret, name: str, site: str) -> str:
    """Return the `otpauth://` address that a phone reads; it holds the secret."""
    label = quote(f"HBox {site}:{name}")
    told = {"secret": secret.reveal(), "issuer": f"HBox {site}"}
    return f"otpauth://totp/{label}?{urlencode(told, quote_via=quote)}"


def drawing(uri: str) -> str:
    """Return `uri` as a QR code: an SVG element without styles or scripts, dark on white."""
    symbol = segno.make(uri, error="m", micro=False)
    return str(
        symbol.svg_inline(
            scale=5, border=4, light="#fff", svgclass="qr", lineclass=None, omitsize=True
        )
    )


def step_of(secret: Secret, typed: str, now: dt.datetime, after: int) -> int | None:
    """Return the time step whose code `typed` is, None for a wrong, old or already accepted one.

    All steps of the window are compared, each in constant time, whichever fits. `after` is the step
    of the last code accepted (RFC 6238 5.2: a code is good once).
    """
    totp = TOTP(base64.b32decode(secret.reveal()), DIGITS, hashes.SHA1(), STEP)  # noqa: S303 - RFC 6238's own
    step = int(now.timestamp()) // STEP
    near = range(step - WINDOW, step + WINDOW + 1)
    given = typed.encode("ascii", "replace")
    fits = [constant_time.bytes_eq(totp.generate(one * STEP), given) for one in near]
    good = [one for one, fit in zip(near, fits, strict=True) if fit and one > after]
    return max(good, default=None)


def must(account: Account, settings: Settings) -> bool:
    """Whether this account may not come in without a second factor."""
    return settings.second_factor == "required" and account.role in ADMINISTRATORS


def passes(session: Session, settings: Settings, account: Account, typed: str) -> str | None:
    """Use up the code that was typed; return what it was, None where it is none that is good.

    Called within the transaction that lets somebody in, so that one code opens once.
    """
    if account.factor_secret is None:
        return None
    step, row = _found(session, settings, account, typed)
    if step is not None:
        account.factor_step = step
        return "one-time code"
    if row is not None:
        row.used_at = clock.iso()
        session.flush()
        return f"recovery code, {codes_left(session, account)} left"
    return None


def fits(session: Session, settings: Settings, account: Account, typed: str) -> bool:
    """Whether `passes` would take the code that was typed; nothing is used up."""
    return _found(session, settings, account, typed) != (None, None)


def bind(session: Session, settings: Settings, account: Account, secret: Secret, step: int) -> None:
    """Give the account this second factor; the code of `step` proved it. Earlier recovery codes go."""
    forget(session, account)
    sealed = lock(settings).close(secret.reveal().encode(), _PURPOSE + account.id)
    account.factor_secret = base64.b64encode(sealed).decode()
    account.factor_at, account.factor_step = clock.iso(), step


def forget(session: Session, account: Account) -> None:
    """Take second factor and recovery codes away."""
    account.factor_secret = account.factor_at = None
    account.factor_step = 0
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))


def recovery_codes(session: Session, account: Account) -> tuple[Secret, ...]:
    """Make ten fresh recovery codes; only their digests are kept (98 bits each: nothing to guess)."""
    codes = tuple(Secret(chance.spoken_code()) for _ in range(CODES))
    for code in codes:
        session.add(RecoveryCode(code_hash=_hash(account, code.reveal()), account_id=account.id))
    return codes


def codes_left(session: Session, account: Account) -> int:
    """Return how many recovery codes were not used yet."""
    unused = select(func.count()).select_from(RecoveryCode)
    unused = unused.where(RecoveryCode.account_id == account.id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def plain(typed: str) -> str:
    """Return a code without spaces, its digits in ASCII: a Chinese input method may type wide ones."""
    return "".join(unicodedata.normalize("NFKC", typed).split())


def _found(
    session: Session, settings: Settings, account: Account, typed: str
) -> tuple[int | None, RecoveryCode | None]:
    """Return the time step or the unused recovery code that was typed, if it is one of them."""
    code = plain(typed)
    if code.isascii() and code.isdigit():
        return step_of(_secret(settings, account), code, clock.now(), account.factor_step), None
    row = session.get(RecoveryCode, _hash(account, code))
    return None, row if row is not None and row.used_at is None else None


def _secret(settings: Settings, account: Account) -> Secret:
    sealed = base64.b64decode(account.factor_secret or "")
    return Secret(lock(settings).open(sealed, _PURPOSE + account.id).decode())


def _hash(account: Account, code: str) -> str:
    letters = "".join(c for c in code.lower() if c.isalnum())
    return digest(f"{account.id} {letters}".encode())
