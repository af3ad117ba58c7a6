"""What the box accepts as a password: none that everybody tries, none of the last five, none too old."""

import datetime as dt
import itertools

import pytest

from appliance import clock
from appliance.secret import Secret
from controller.access import passwords
from controller.access.logins import Attempt, LoginFailed, PasswordExpired, log_in
from controller.access.passwords import WeakPassword
from controller.access.well_known import well_known
from controller.records.session import reading
from controller.records.tables import PastPassword


def attempt(controller, password, new=""):
    given = Attempt("sysadmin", password, new, "10.0.0.7")
    return log_in(controller.engine, controller.settings, given)


@pytest.mark.parametrize(
    "password",
    [
        "Password1234!",
        "P@ssw0rd-2026",
        "Admin123!Admin123!",
        "Qwerty-Qwerty-1",
        "Hospital@2026",
        "Yiyuan#888888",
        "Welcome1Hbox!",
    ],
)
def test_what_everybody_tries_first_is_refused(password):
    assert well_known(password)
    with pytest.raises(WeakPassword, match="common"):
        passwords.accept(Secret(password), "sysadmin")


@pytest.mark.parametrize("password", ["Correct-Horse-1", "Sample-Phrase-4711", "kV9#mLq2!xTz7"])
def test_what_is_not_a_known_word_is_accepted(password):
    assert not well_known(password)
    passwords.accept(Secret(password), "sysadmin")


def test_none_of_the_last_five_is_taken_again(controller):
    words = [f"Correct-Horse-{n}" for n in range(1, 8)]
    attempt(controller, controller.codes["sysadmin"].reveal(), words[0])
    for old, new in itertools.pairwise(words[:6]):
        attempt(controller, old, new)
    for used in words[1:5]:
        with pytest.raises(WeakPassword, match="last 5"):
            attempt(controller, words[5], used)
    assert attempt(controller, words[5], words[0])  # six changes ago
    with reading(controller.engine) as session:
        assert session.query(PastPassword).count() == passwords.KEPT


def test_after_ninety_days_it_must_be_changed(controller, monkeypatch):
    attempt(controller, controller.codes["sysadmin"].reveal(), "Correct-Horse-1")
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(days=89))
    assert attempt(controller, "Correct-Horse-1")
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(days=91))
    with pytest.raises(LoginFailed):
        attempt(controller, "wrong")
    with pytest.raises(PasswordExpired):
        attempt(controller, "Correct-Horse-1")
    assert attempt(controller, "Correct-Horse-1", "Another-Horse-2")
    assert attempt(controller, "Another-Horse-2")
