"""The audit chain finds every alteration."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit import GENESIS, ChainBroken, Entry, check_seal, link, seal, verify
from appliance.signing import BadSignature, SigningKey


def chain(count: int) -> list[Entry]:
    entries, previous = [], GENESIS
    for number in range(1, count + 1):
        entry = link(
            Entry(number, "t", "a", "system", "vm.create", "vm/1", str(number), "asked", ""),
            previous,
        )
        entries.append(entry)
        previous = entry.hash
    return entries


def test_an_untouched_chain_holds():
    entries = chain(5)
    assert verify(entries) == entries[-1].hash


@given(
    st.integers(0, 4),
    st.sampled_from(
        ["at", "actor", "role", "act", "object", "detail", "outcome", "previous", "hash"]
    ),
)
def test_any_altered_field_is_found(where, field):
    entries = chain(5)
    entries[where] = replace(entries[where], **{field: "x"})
    with pytest.raises(ChainBroken):
        verify(entries)


def test_dropped_and_swapped_entries_are_found():
    entries = chain(5)
    for bad in (entries[:2] + entries[3:], [entries[1], entries[0], *entries[2:]], entries[1:]):
        with pytest.raises(ChainBroken):
            verify(bad)


def test_a_seal_binds_number_and_head():
    key = SigningKey.new()
    held = seal(5, "ab", "t", key)
    check_seal(held, key.public)
    for bad in (replace(held, number=4), replace(held, head="cd"), replace(held, at="u")):
        with pytest.raises(BadSignature):
            check_seal(bad, key.public)
    with pytest.raises(BadSignature):
        check_seal(held, SigningKey.new().public)
