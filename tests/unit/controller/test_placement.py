"""Placement: the same question has the same answer, each node says why, and no rule is ever broken."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.placement import Leaver, Room, Wanted, choose, judge, spread

ROOMS = [Room(name, cpus=8, memory_mib=16384, accelerator="kvm") for name in ("a", "b", "c")]
SMALL = Wanted(1, 512)

rooms = st.lists(
    st.builds(
        Room,
        name=st.text("abcdef", min_size=1, max_size=4),
        state=st.sampled_from(["active", "maintenance", "joining", "leaving"]),
        away=st.sampled_from(["", "no route"]),
        accelerator=st.sampled_from(["kvm", "tcg", ""]),
        cpus=st.integers(0, 64),
        memory_mib=st.integers(0, 65536),
        used_vcpus=st.integers(0, 128),
        used_mib=st.integers(0, 65536),
        storages=st.sampled_from([frozenset({"dir"}), frozenset({"dir", "rbd"})]),
        apart=st.sampled_from([frozenset(), frozenset({"his"})]),
    ),
    max_size=6,
    unique_by=lambda room: room.name,
)
wishes = st.builds(
    Wanted,
    vcpus=st.integers(1, 64),
    memory_mib=st.integers(128, 65536),
    storage=st.sampled_from(["dir", "rbd"]),
    apart=st.sampled_from(["", "his"]),
)


def test_the_emptiest_node_is_taken_then_the_first_by_name():
    assert choose(ROOMS, SMALL).node == "a"
    fuller = [replace(ROOMS[0], used_mib=4096), *ROOMS[1:]]
    assert choose(fuller, SMALL).node == "b"
    assert (
        choose([replace(room, accelerator="tcg") for room in ROOMS[:2]] + ROOMS[2:], SMALL).node
        == "c"
    )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"state": "maintenance"}, "maintenance"),
        ({"state": "joining"}, "joining"),
        ({"away": "no route"}, "no route"),
        ({"storages": frozenset()}, "does not reach dir"),
        ({"apart": frozenset({"his"})}, "group his"),
        ({"used_mib": 15000}, "not enough memory"),
    ],
)
def test_a_node_that_cannot_says_why(change, word):
    verdict = judge(replace(ROOMS[0], **change), replace(SMALL, apart="his"))
    assert not verdict.fits
    assert word in verdict.why[0].en
    assert verdict.why[0].zh


def test_a_node_never_measured_is_taken_last():
    blank = replace(ROOMS[0], memory_mib=0, cpus=0)
    assert choose([blank], SMALL).node == "a"
    assert choose([blank, replace(ROOMS[1], used_mib=9000)], SMALL).node == "b"


def test_three_nodes_warn_before_the_loss_of_one_could_not_be_carried():
    assert not choose(ROOMS, SMALL).warnings
    full = [replace(room, used_mib=room.usable_mib * 2 // 3) for room in ROOMS]
    assert "no headroom" in choose(full, SMALL).warnings[0].en
    assert not choose(full[:2], SMALL).warnings


def test_a_node_is_emptied_largest_first_and_who_cannot_go_says_why():
    stay = [replace(ROOMS[1], used_mib=0), replace(ROOMS[2], used_mib=12000)]
    big, small = Wanted(1, 12000), Wanted(1, 2000)
    moves = spread(
        stay,
        [
            Leaver("1", "small", small),
            Leaver("2", "big", big),
            Leaver("3", "huge", Wanted(1, 60000)),
        ],
    )
    assert [(move.name, move.node) for move in moves] == [
        ("huge", ""),
        ("big", "b"),
        ("small", "c"),
    ]
    assert "not enough memory" in moves[0].why.en


def test_a_group_is_not_brought_together_by_emptying_a_node():
    stay = [replace(ROOMS[1], apart=frozenset({"his"})), ROOMS[2]]
    pair = [
        Leaver("1", "x", Wanted(1, 512, apart="his")),
        Leaver("2", "y", Wanted(1, 512, apart="his")),
    ]
    assert [move.node for move in spread(stay, pair)] == ["c", ""]


@settings(max_examples=200, deadline=None)
@given(rooms, wishes)
def test_no_rule_is_ever_broken(found, wanted):
    choice = choose(found, wanted)
    assert choice == choose(list(reversed(found)), wanted)
    assert [verdict.node for verdict in choice.verdicts] == sorted(room.name for room in found)
    assert all(
        verdict.why and verdict.why[0].zh and verdict.why[0].en for verdict in choice.verdicts
    )
    taken = next((room for room in found if room.name == choice.node), None)
    if taken is None:
        assert not any(verdict.fits for verdict in choice.verdicts)
        return
    assert (taken.state, taken.away) == ("active", "")
    assert wanted.storage in taken.storages
    assert not wanted.apart or wanted.apart not in taken.apart
    after = taken.with_more(wanted)
    assert not taken.memory_mib or after.used_mib <= taken.usable_mib
