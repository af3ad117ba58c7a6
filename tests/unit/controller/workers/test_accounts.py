"""Accounts through the worker: unlocked and reset by another person, rescued by root where nobody else can."""

import pytest

from appliance.errors import BoxError, Forbidden
from appliance.secret import Secret
from controller.access.passwords import fits
from controller.actions.accounts import DisableAccount, ResetAccount, UnlockAccount
from controller.records import audit
from controller.records.session import reading, transaction
from controller.records.tables import Account, RecoveryCode
from controller.workers.rescue import NotTheLast, rescue
from tests.unit.controller.workers.box import Box


@pytest.fixture
def box(tmp_path):
    made = Box.new(tmp_path)
    with transaction(made.engine) as session:
        for name in ("sam", "sue", "sid"):
            row = session.get(Account, name)
            row.password_hash, row.factor_secret, row.factor_at = "$argon2id$x", "sealed", "then"
            row.failed, row.locked_until = 4, "2999-01-01"
            session.add(RecoveryCode(code_hash=name, account_id=name))
    yield made
    made.engine.dispose()


def account(box, name):
    with reading(box.engine) as session:
        return session.get(Account, name)


def test_a_locked_account_is_let_in_again(box):
    assert box.done("sue", UnlockAccount("sam")).state == "succeeded"
    sam = account(box, "sam")
    assert (sam.failed, sam.locked_until, sam.password_hash) == (0, None, "$argon2id$x")


@pytest.mark.parametrize("factor", [False, True])
def test_a_reset_gives_a_fresh_code_to_root_alone(box, factor):
    job = box.done("sue", ResetAccount("sam", factor))
    assert job.state == "succeeded"
    path = box.folder / "codes" / "sam"
    assert job.result == {"code_file": str(path)}
    assert path.stat().st_mode & 0o777 == 0o600
    code, sam = path.read_text().strip(), account(box, "sam")
    assert fits(Secret(code), sam.code_hash)
    assert (sam.password_hash, sam.locked_until) == (None, None)
    assert bool(sam.factor_secret) is not factor
    with reading(box.engine) as session:
        assert (session.get(RecoveryCode, "sam") is None) is factor
        said = str([vars(entry) for entry in audit.entries(session)])
    assert code not in said + box.lines(job.id)
    assert f'"second_factor":{str(factor).lower()}' in said


def test_neither_oneself_nor_another_role_resets(box):
    for who, name in (("sue", "sue"), ("sam", "sid"), ("aud", "sam")):
        for action in (ResetAccount(name, factor=True), UnlockAccount(name)):
            with pytest.raises(Forbidden):
                box.ask(who, action)


def test_root_rescues_the_last_security_administrator_and_nobody_else(box):
    for name in ("sue", "sam"):
        with pytest.raises(NotTheLast):
            rescue(box.engine, box.settings, name)
    assert not (box.folder / "codes").exists()
    box.done("sue", DisableAccount("sid"))
    with pytest.raises(BoxError, match="disabled"):
        rescue(box.engine, box.settings, "sid")
    path = rescue(box.engine, box.settings, "sue")
    sue = account(box, "sue")
    assert fits(Secret(path.read_text().strip()), sue.code_hash)
    assert (sue.password_hash, sue.factor_secret, sue.locked_until) == (None, None, None)
    with reading(box.engine) as session:
        last = list(audit.entries(session))[-1]
    assert (last.actor, last.act, last.object) == ("root", "account.rescue", "account/sue")
