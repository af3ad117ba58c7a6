"""Examining the audit chain: altered, dropped, cut, badly sealed; and unknown is not good."""

import dataclasses
import json

import pytest
from sqlalchemy import text

from appliance import audit as links
from appliance import clock
from appliance.signing import SigningKey
from controller.access import chain
from controller.records import audit
from controller.records.session import reading, transaction


@pytest.fixture
def sealed(controller):
    """A chain of three entries, sealed at the third."""
    folder, key = controller.settings.state / "audit", SigningKey.new()
    (folder / chain.KEY).write_bytes(key.public.pem)
    with reading(controller.engine) as session:
        head = links.verify(audit.entries(session))
        number = audit.length(session)
    seal = links.seal(number, head, clock.iso(), key)
    (folder / chain.SEALS).write_text(json.dumps(dataclasses.asdict(seal)) + "\n")
    return controller


def examined(controller):
    with reading(controller.engine) as session:
        return chain.examine(session, controller.settings.state / "audit")


def told(controller, statement):
    with transaction(controller.engine) as session:
        session.execute(text(statement))


def test_a_whole_chain_holds_and_says_how_far_it_is_sealed(sealed):
    found = examined(sealed)
    assert (found.holds, found.entries, found.seals, found.sealed) == (True, 3, "hold", 3)


def test_seals_that_cannot_be_read_are_unknown(controller):
    found = examined(controller)
    assert (found.holds, found.seals, found.sealed) == (True, "unknown", 0)


def test_an_altered_entry_is_found(sealed):
    told(sealed, "update audit set actor = 'somebody' where number = 2")
    found = examined(sealed)
    assert (found.holds, found.broken_at) == (False, 2)


def test_a_dropped_entry_is_found(sealed):
    told(sealed, "delete from audit where number = 2")
    assert examined(sealed).broken_at == 2


def test_a_chain_cut_at_its_end_no_longer_reaches_its_seal(sealed):
    told(sealed, "delete from audit where number = 3")
    found = examined(sealed)
    assert (found.holds, found.seals) == (False, "broken")


def test_a_chain_made_anew_without_the_key_does_not_fit_its_seal(sealed):
    with transaction(sealed.engine) as session:
        session.execute(text("delete from audit where number = 3"))
        audit.append(session, audit.entry("sysadmin", "system", "nothing", on="x", outcome="done"))
    found = examined(sealed)
    assert (found.holds, found.seals) == (False, "broken")


def test_a_seal_of_another_key_is_found(sealed):
    (sealed.settings.state / "audit" / chain.KEY).write_bytes(SigningKey.new().public.pem)
    assert examined(sealed).seals == "broken"
