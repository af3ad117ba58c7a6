"""Logging in: the one-time code, the lock, one answer for every failure, all of it audited."""

import datetime as dt
import statistics
import time

import pytest

from appliance import clock
from appliance.errors import BoxError, Unauthenticated
from appliance.secret import Secret
from controller.access import logins, passwords, people, sessions
from controller.access.logins import Attempt, LoginFailed, PasswordNeeded, log_in
from controller.access.passwords import WeakPassword
from controller.records import audit
from controller.records.session import reading, transaction
from controller.records.tables import Account, Login

GOOD = "Correct-Horse-1"


def attempt(controller, name, password, new=""):
    return log_in(controller.engine, controller.settings, Attempt(name, password, new, "10.0.0.7"))


def first(controller, name="sysadmin"):
    return attempt(controller, name, controller.codes[name].reveal(), GOOD)


def whose(controller, cookie, **more):
    return sessions.whose(controller.engine, controller.settings, cookie, source="x", **more)


def acts(controller):
    with reading(controller.engine) as session:
        return [(e.actor, e.act, e.outcome, e.detail) for e in audit.entries(session)]


def test_the_code_sets_a_password_once(controller):
    code = controller.codes["sysadmin"].reveal()
    with pytest.raises(PasswordNeeded):
        attempt(controller, "sysadmin", code)
    entered = first(controller)
    assert entered.principal.name == "sysadmin"
    assert attempt(controller, "sysadmin", GOOD).principal.role == "system"
    with pytest.raises(LoginFailed):
        attempt(controller, "sysadmin", code, "Another-Horse-2")


@pytest.mark.parametrize(
    "weak",
    ["Sh0rt-pw", "alllowercaseletters", "Sysadmin-Horse-1", "aA1aA1aA1aA1", "x" * 300 + "A1"],
)
def test_weak_passwords_are_refused_and_the_code_stays_good(controller, weak):
    code = controller.codes["sysadmin"].reveal()
    with pytest.raises(WeakPassword):
        attempt(controller, "sysadmin", code, weak)
    assert first(controller)


def test_the_code_itself_is_no_password(controller):
    code = controller.codes["sysadmin"].reveal()
    with pytest.raises(WeakPassword):
        attempt(controller, "sysadmin", code, code)


def test_five_failures_lock_for_fifteen_minutes(controller, monkeypatch):
    first(controller)
    for _ in range(5):
        with pytest.raises(LoginFailed):
            attempt(controller, "sysadmin", "wrong")
    with pytest.raises(LoginFailed):
        attempt(controller, "sysadmin", GOOD)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(minutes=14))
    with pytest.raises(LoginFailed):
        attempt(controller, "sysadmin", GOOD)
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(minutes=16))
    assert attempt(controller, "sysadmin", GOOD)


def test_the_lock_counts_only_failures_in_a_row(controller):
    first(controller)
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(LoginFailed):
                attempt(controller, "sysadmin", "wrong")
        assert attempt(controller, "sysadmin", GOOD)


def test_every_failure_has_one_answer(controller):
    first(controller)
    with transaction(controller.engine) as session:
        account = logins.by_name(session, "secadmin")
        account.disabled = True
    answers = []
    for name, password in (
        ("sysadmin", "wrong"),
        ("nobody-here", "wrong"),
        ("secadmin", controller.codes["secadmin"].reveal()),
        ("audadmin", "wrong"),
    ):
        with pytest.raises(BoxError) as caught:
            attempt(controller, name, password)
        answers.append(caught.value.as_dict())
    assert all(answer == answers[0] for answer in answers)


def test_an_unknown_name_takes_as_long_as_a_known_one(controller):
    passwords.fits(Secret("x"), None)  # the first call makes the hash that nobody has
    first(controller)

    def seconds(held):
        began = time.process_time()  # of the processor: what else the machine does is not counted
        assert not passwords.fits(Secret("wrong"), held)
        return time.process_time() - began

    with reading(controller.engine) as session:
        held = logins.by_name(session, "sysadmin").password_hash
    known = statistics.median(seconds(held) for _ in range(7))
    unknown = statistics.median(seconds(None) for _ in range(7))
    assert 0.5 < unknown / known < 2


def test_logins_failures_and_logouts_are_audited_without_what_was_typed(controller):
    entered = first(controller)
    with pytest.raises(LoginFailed):
        attempt(controller, "sysadmin", "typed-secret")
    with pytest.raises(LoginFailed):
        attempt(controller, "a-password-typed-as-name", "typed-secret")
    sessions.leave(controller.engine, entered.cookie, source="10.0.0.7")
    found = acts(controller)[3:]
    assert [(actor, act, outcome) for actor, act, outcome, _ in found] == [
        ("sysadmin", "auth.login", "done"),
        ("sysadmin", "auth.login", "refused"),
        ("unknown", "auth.login", "refused"),
        ("sysadmin", "auth.logout", "done"),
    ]
    assert "typed" not in str(found)
    with pytest.raises(Unauthenticated):
        whose(controller, entered.cookie)


def test_secrets_do_not_show_themselves(controller):
    assert "pw" not in repr(Attempt("a", "pw", "pw"))
    entered = first(controller)
    assert entered.cookie not in repr(entered)
    with reading(controller.engine) as session:
        login = session.query(Login).one()
        account = session.query(Account).filter_by(name="sysadmin").one()
    assert entered.cookie not in str(vars(login))
    assert account.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert account.code_hash is None


@pytest.mark.parametrize(("after", "alive"), [(890, True), (910, False)])
def test_an_idle_session_ends(controller, monkeypatch, after, alive):
    entered = first(controller)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(seconds=after))
    if alive:
        assert whose(controller, entered.cookie).principal.name == "sysadmin"
    else:
        with pytest.raises(Unauthenticated):
            whose(controller, entered.cookie)


def test_use_keeps_a_session_alive_but_not_for_ever_and_polling_does_not(controller, monkeypatch):
    used, polled = first(controller), first(controller, "secadmin")
    real, at = clock.now, 0
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(seconds=at))
    for at in range(600, 28800, 600):
        assert whose(controller, used.cookie)
        if at <= 600:
            assert whose(controller, polled.cookie, touch=False)
        else:
            with pytest.raises(Unauthenticated):
                whose(controller, polled.cookie, touch=False)
    at = 28810
    with pytest.raises(Unauthenticated):
        whose(controller, used.cookie)


def test_disabling_ends_the_session_and_a_new_password_ends_the_others(controller):
    old = first(controller)
    attempt(controller, "sysadmin", GOOD, "Another-Horse-2")
    with pytest.raises(Unauthenticated):
        whose(controller, old.cookie)
    entered = attempt(controller, "sysadmin", "Another-Horse-2")
    with transaction(controller.engine) as session:
        logins.by_name(session, "sysadmin").disabled = True
    with pytest.raises(Unauthenticated):
        whose(controller, entered.cookie)


def test_the_three_are_made_once(controller):
    with transaction(controller.engine) as session:
        assert people.ensure_administrators(session) == {}
    assert len({code.reveal() for code in controller.codes.values()}) == 3
