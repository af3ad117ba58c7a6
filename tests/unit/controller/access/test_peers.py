"""Local peers: one account per shell user, root no more than the system administrator."""

import os

import pytest

from appliance.errors import Unauthenticated
from controller.access.peers import peer
from controller.records.session import transaction
from controller.records.tables import Account


def test_root_acts_as_the_system_administrator(controller):
    who = peer(controller.engine, 0)
    assert (who.name, who.role, who.via) == ("sysadmin", "system", "socket uid 0")


def test_a_shell_user_maps_to_its_account(controller):
    with transaction(controller.engine) as session:
        session.query(Account).filter_by(name="audadmin").one().unix_user = "daemon"
    assert peer(controller.engine, 1).role == "audit"


@pytest.mark.parametrize("uid", [65534, 4242424])
def test_a_user_without_an_account_is_nobody(controller, uid):
    assert os.getuid() != uid
    with pytest.raises(Unauthenticated) as caught:
        peer(controller.engine, uid)
    assert caught.value.code == "auth.no_account"


def test_a_disabled_account_is_nobody(controller):
    with transaction(controller.engine) as session:
        session.query(Account).filter_by(name="sysadmin").one().disabled = True
    with pytest.raises(Unauthenticated):
        peer(controller.engine, 0)
