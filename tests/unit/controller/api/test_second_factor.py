"""A script's way through the second factor, over TLS: ask for one, bind it, log in with a code."""

import base64
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from appliance import clock
from controller.access import factors
from tests.unit.controller.conftest import PASSWORD, Site, _controller, _site


@pytest.fixture(scope="module")
def strict(tmp_path_factory, newborn) -> Iterator[Site]:
    for controller in _controller(tmp_path_factory.mktemp("strict"), newborn):
        settings = replace(controller.settings, second_factor="required")
        factors.lock(settings).ensure()
        yield from _site(replace(controller, settings=settings))


def shown(secret: str, later: int = 0) -> str:
    totp = TOTP(base64.b32decode(secret), 6, hashes.SHA1(), 30)  # noqa: S303 - RFC 6238
    return totp.generate(int(clock.now().timestamp()) + later).decode()


def test_it_is_asked_for_bound_and_used(strict):
    browser = strict.browser()
    got = browser.log_in("secadmin", strict.controller.codes["secadmin"].reveal(), PASSWORD)
    assert (got.status, got.code) == (401, "auth.factor_needed")
    assert browser.get("/accounts").status == 401
    given = {"name": "secadmin", "password": PASSWORD}
    offer = browser.post("/login/factor", given)
    assert offer.status == 200
    assert offer.json["uri"].startswith("otpauth://totp/")
    proof = {"ticket": offer.json["ticket"], "one_time_code": shown(offer.json["secret"])}
    bound = browser.post("/login/factor/bind", proof)
    assert bound.status == 200, bound.data
    assert len(bound.json["recovery_codes"]) == 10
    browser.cookie, browser.csrf = bound.headers["set-cookie"].split(";")[0], bound.json["csrf"]
    listed = {row["name"]: row for row in browser.get("/accounts").json["items"]}
    assert listed["secadmin"]["factor_at"]
    assert listed["sysadmin"]["factor_at"] is None
    again = strict.browser().post("/login", given)
    assert (again.status, again.code) == (401, "auth.login_failed")
    body = {**given, "one_time_code": shown(offer.json["secret"], 30)}
    assert strict.browser().post("/login", body).json["recovery_codes"] == []
    assert strict.browser().post("/login", body).code == "auth.login_failed"
    for path, sent in (("unlock", None), ("reset", {"factor": True})):
        mine = browser.post(f"/accounts/secadmin/{path}", sent)
        assert (mine.status, mine.code) == (403, "auth.forbidden")
        assert browser.post(f"/accounts/sysadmin/{path}", sent).status == 202
