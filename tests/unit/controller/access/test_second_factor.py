"""The second factor: bound once, asked for always, good once, and lost only with the password."""

import base64
import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from appliance import clock
from appliance.sealing import WrongKey
from appliance.secret import Secret
from appliance.settings import Settings, load
from controller.access import enrolment, factors, logins, passwords, tokens
from controller.access.logins import (
    Attempt,
    FactorNeeded,
    LoginFailed,
    PasswordNeeded,
    log_in,
)
from controller.access.passwords import hashed
from controller.actions.accounts import clear
from controller.actions.rights import Right, Scope
from controller.records import audit
from controller.records.session import reading, transaction
from controller.records.tables import Login, RecoveryCode

GOOD = "Correct-Horse-1"
NOW = dt.datetime(2026, 11, 22, 8, 0, 5, tzinfo=dt.UTC)


@pytest.fixture
def box(controller, monkeypatch):
    """A box whose policy asks for a second factor, and whose time only moves when it is told to."""
    at = {"now": NOW}
    monkeypatch.setattr(clock, "now", lambda: at["now"])
    return Box(
        replace(controller, settings=replace(controller.settings, second_factor="required")), at
    )


class Box:
    def __init__(self, controller, at):
        self.controller, self.at = controller, at
        self.engine, self.settings = controller.engine, controller.settings
        factors.lock(self.settings).ensure()

    def pass_by(self, **more):
        self.at["now"] += dt.timedelta(**more)

    def log_in(self, name="sysadmin", password=GOOD, code="", new=""):
        return log_in(self.engine, self.settings, Attempt(name, password, new, "10.0.0.7", code))

    def offer(self, name="sysadmin", password=GOOD, code=""):
        return enrolment.offer(self.engine, self.settings, Attempt(name, password, "", "x", code))

    def accept(self, offer, code):
        return enrolment.accept(self.engine, self.settings, offer.ticket.reveal(), code, "10.0.0.7")

    def shown(self, secret, seconds=0):
        """What the phone shows `seconds` from now: RFC 6238 by the library, not by our code."""
        key = base64.b32decode(secret.reveal())
        at = int((clock.now() + dt.timedelta(seconds=seconds)).timestamp())
        return TOTP(key, 6, hashes.SHA1(), 30).generate(at).decode()  # noqa: S303 - RFC 6238

    def bound(self, name="sysadmin"):
        """Go the whole way of a first login; return the secret and the recovery codes."""
        with pytest.raises(FactorNeeded):
            self.log_in(name, self.controller.codes[name].reveal(), new=GOOD)
        offer = self.offer(name)
        entered = self.accept(offer, self.shown(offer.secret))
        self.pass_by(seconds=30)
        return offer.secret, [code.reveal() for code in entered.recovery_codes]

    def account(self, name="sysadmin"):
        with reading(self.engine) as session:
            return logins.by_name(session, name)

    def acts(self):
        with reading(self.engine) as session:
            return [(e.act, e.outcome, e.detail) for e in audit.entries(session)]


def test_the_codes_are_those_of_rfc_6238():
    # Appendix B, SHA-1, the last six of its eight digits.
    secret = Secret(base64.b32encode(b"12345678901234567890").decode())
    for at, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        when = dt.datetime.fromtimestamp(at, dt.UTC)
        assert factors.step_of(secret, code, when, 0) == at // 30


@pytest.mark.parametrize(
    ("seconds", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_clocks_may_differ_by_one_step(box, seconds, good):
    secret, _ = box.bound()
    box.pass_by(minutes=5)
    code = box.shown(secret, seconds)
    if good:
        assert box.log_in(code=code)
    else:
        with pytest.raises(LoginFailed):
            box.log_in(code=code)


def test_nobody_of_the_three_comes_in_before_a_factor_is_bound(box):
    with pytest.raises(FactorNeeded):
        box.log_in(password=box.controller.codes["sysadmin"].reveal(), new=GOOD)
    with pytest.raises(FactorNeeded):
        box.log_in()
    with reading(box.engine) as session:
        assert session.query(Login).count() == 0
    offer = box.offer()
    with pytest.raises(enrolment.WrongFirstCode):
        box.accept(offer, "000000" if box.shown(offer.secret) != "000000" else "111111")
    assert box.account().factor_secret is None
    entered = box.accept(offer, box.shown(offer.secret))
    assert entered.principal.name == "sysadmin"
    assert len({code.reveal() for code in entered.recovery_codes}) == 10


def test_a_password_alone_and_a_wrong_code_fail_like_a_wrong_password(box):
    secret, _ = box.bound()
    answers = []
    for password, code in ((GOOD, ""), (GOOD, "abc"), ("wrong", box.shown(secret)), ("wrong", "")):
        with pytest.raises(LoginFailed) as caught:
            box.log_in(password=password, code=code)
        answers.append(caught.value.as_dict())
    assert all(answer == answers[0] for answer in answers)
    assert box.log_in(code=box.shown(secret))


def test_wrong_codes_lock_the_account(box):
    secret, _ = box.bound()
    for _ in range(5):
        with pytest.raises(LoginFailed):
            box.log_in(code="000001")
    box.pass_by(minutes=14)
    with pytest.raises(LoginFailed):
        box.log_in(code=box.shown(secret))
    box.pass_by(minutes=2)
    assert box.log_in(code=box.shown(secret))
    assert ("auth.login", "refused", "10.0.0.7; second factor; failure 1") in box.acts()


def test_guesses_that_come_at_once_are_no_more_than_those_in_a_row(box, monkeypatch):
    box.bound()
    guesses = 12
    together, weighed = threading.Barrier(guesses), []
    prove, passes = logins.prove, factors.passes
    monkeypatch.setattr(logins, "prove", lambda *a: (prove(*a), together.wait())[0])
    monkeypatch.setattr(factors, "passes", lambda *a: (passes(*a), weighed.append(a[3]))[0])

    def guess(number):
        with pytest.raises(LoginFailed):
            box.log_in(code=f"00000{number}"[-6:])

    with ThreadPoolExecutor(guesses) as pool:
        list(pool.map(guess, range(guesses)))
    assert len(weighed) == 5
    assert box.account().locked_until is not None


@pytest.mark.parametrize("wanted", ["short", GOOD, "Another-Horse-2"])
def test_asking_for_a_new_password_does_not_tell_that_the_present_one_is_right(box, wanted):
    """Without the code there is one answer, and it is counted, whatever the new password is worth."""
    secret, _ = box.bound()
    for password in (GOOD, "Wrong-Horse-9"):
        with pytest.raises(LoginFailed):
            box.log_in(password=password, new=wanted, code="000001")
    assert box.account().failed == 2
    if wanted != "Another-Horse-2":
        code = box.shown(secret)
        with pytest.raises(passwords.WeakPassword):
            box.log_in(new=wanted, code=code)
        assert box.log_in(code=code), "a password that was refused uses no code up"


def test_a_code_may_be_typed_wide(box):
    secret, recovery = box.bound()
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    box.pass_by(minutes=5)
    assert box.log_in(code=box.shown(secret).translate(wide))
    assert box.log_in(code=recovery[0].translate(wide).replace("-", "－"))


def test_a_code_is_good_once(box):
    secret, _ = box.bound()
    code = box.shown(secret)
    assert box.log_in(code=code)
    with pytest.raises(LoginFailed):
        box.log_in(code=code)
    box.pass_by(seconds=30)
    earlier = box.shown(secret, -30)
    assert earlier == code
    with pytest.raises(LoginFailed):
        box.log_in(code=earlier)
    assert box.log_in(code=box.shown(secret))


def test_the_code_that_bound_it_lets_nobody_in(box):
    with pytest.raises(FactorNeeded):
        box.log_in(password=box.controller.codes["sysadmin"].reveal(), new=GOOD)
    offer = box.offer()
    code = box.shown(offer.secret)
    box.accept(offer, code)
    with pytest.raises(LoginFailed):
        box.log_in(code=code)


def test_a_recovery_code_is_good_once_and_typed_as_one_likes(box):
    _, codes = box.bound()
    assert box.log_in(code=codes[0].upper().replace("-", " "))
    with pytest.raises(LoginFailed):
        box.log_in(code=codes[0])
    assert box.log_in(code=codes[1])
    assert ("auth.login", "done", "10.0.0.7; recovery code, 8 left") in box.acts()
    with reading(box.engine) as session:
        kept = str([vars(row) for row in session.query(RecoveryCode)])
    assert not any(code in kept for code in codes)


def test_a_recovery_code_of_another_account_is_none(box):
    _, codes = box.bound()
    box.bound("secadmin")
    with pytest.raises(LoginFailed):
        box.log_in("secadmin", code=codes[0])


def test_an_offer_ends_with_time_with_use_and_with_a_new_password(box):
    with pytest.raises(FactorNeeded):
        box.log_in(password=box.controller.codes["sysadmin"].reveal(), new=GOOD)
    late = box.offer()
    box.pass_by(minutes=11)
    with pytest.raises(enrolment.OfferOver):
        box.accept(late, box.shown(late.secret))
    before = box.offer()
    with pytest.raises(FactorNeeded):
        box.log_in(new="Another-Horse-2")
    with pytest.raises(enrolment.OfferOver):
        box.accept(before, box.shown(before.secret))
    used = box.offer(password="Another-Horse-2")
    box.accept(used, box.shown(used.secret))
    box.pass_by(seconds=30)
    with pytest.raises(enrolment.OfferOver):
        box.accept(used, box.shown(used.secret))
    with pytest.raises(enrolment.OfferOver):
        enrolment.accept(box.engine, box.settings, "bm90aGluZw==", "123456", "x")


def test_another_phone_takes_the_factor_that_is_there(box):
    secret, codes = box.bound()
    with pytest.raises(LoginFailed):
        box.offer()
    with pytest.raises(LoginFailed):
        box.offer(code="000000")
    other = box.offer(code=box.shown(secret))
    box.pass_by(seconds=30)
    box.accept(other, box.shown(other.secret))
    box.pass_by(seconds=30)
    for gone in (box.shown(secret), codes[5]):
        with pytest.raises(LoginFailed):
            box.log_in(code=gone)
    assert box.log_in(code=box.shown(other.secret))


def test_binding_ends_the_other_sessions(box):
    secret, _ = box.bound()
    box.log_in(code=box.shown(secret))
    box.pass_by(seconds=30)
    other = box.offer(code=box.shown(secret))
    box.pass_by(seconds=30)
    box.accept(other, box.shown(other.secret))
    with reading(box.engine) as session:
        assert session.query(Login).count() == 1


def test_the_secret_rests_sealed_and_opens_for_its_own_account_only(box):
    secret, _ = box.bound()
    held = box.account().factor_secret
    assert secret.reveal() not in held
    assert secret.reveal().encode() not in base64.b64decode(held)
    box.bound("secadmin")
    with transaction(box.engine) as session:
        logins.by_name(session, "secadmin").factor_secret = held
    with pytest.raises(WrongKey):
        box.log_in("secadmin", code=box.shown(secret))
    assert "***" in repr(box.offer(code=box.shown(secret)))


def test_a_forgotten_password_leaves_the_factor_and_its_code_is_asked_for(box):
    secret, _ = box.bound()
    with transaction(box.engine) as session:
        account = logins.by_name(session, "sysadmin")
        clear(session, account, factor=False)
        account.code_hash = hashed(Secret("fresh-code"))
    with pytest.raises(PasswordNeeded):
        box.log_in(password="fresh-code")
    with pytest.raises(LoginFailed):
        box.log_in(password="fresh-code", new="Another-Horse-2")
    assert box.log_in(password="fresh-code", new="Another-Horse-2", code=box.shown(secret))


def test_tokens_and_other_roles_are_not_asked(box):
    with transaction(box.engine) as session:
        account = logins.by_name(session, "sysadmin")
        who = logins.principal_of(session, account, "socket uid 0")
    issued = tokens.issue(box.engine, who, tokens.Wanted("t1", Scope(Right.VIEW, "/"), 1))
    assert tokens.enter(box.engine, issued.key, "10.0.0.7").name == "sysadmin"
    with transaction(box.engine) as session:
        logins.by_name(session, "audadmin").role = "vendor"
    assert box.log_in("audadmin", box.controller.codes["audadmin"].reveal(), new=GOOD)


def test_where_it_is_optional_who_bound_one_is_asked_all_the_same(box):
    secret, _ = box.bound()
    box.settings = replace(box.settings, second_factor="optional")
    with pytest.raises(LoginFailed):
        box.log_in()
    assert box.log_in(code=box.shown(secret))
    assert box.log_in("audadmin", box.controller.codes["audadmin"].reveal(), new=GOOD)


def test_the_policy_is_required_unless_the_file_says_otherwise(tmp_path):
    assert Settings().second_factor == "required"
    file = tmp_path / "hbox.toml"
    for line in ('second_factor = "never"', "password_days = 0"):
        file.write_text(line)
        with pytest.raises(Exception, match="Bad input"):
            load(file)
    file.write_text('second_factor = "optional"')
    assert load(file).second_factor == "optional"


def test_the_drawing_holds_the_address_and_nothing_that_a_browser_would_run():
    secret = Secret("JBSWY3DPEHPK3PXP")
    uri = factors.address(secret, "sysadmin", "示范医院")
    assert uri.startswith("otpauth://totp/HBox%20%E7%A4%BA")
    assert "secret=JBSWY3DPEHPK3PXP" in uri
    drawn = factors.drawing(uri)
    assert drawn.startswith("<svg")
    assert "style=" not in drawn
    assert "<script" not in drawn
