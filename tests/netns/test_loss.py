"""Nothing lost, nothing doubled, order kept: a short seeded storm, and a doctored guard that fails it."""

import sys

import pytest

from tests.soak.storm import Storm, weather

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]


def test_a_short_storm_loses_nothing(world, capsys):
    tally = weather(world, Storm(seed=20261122, messages=600, kills=12, odds=0.0005))
    with capsys.disabled():
        sys.stdout.write(f"\n{tally.table()}\n")
    assert (tally.lost, tally.doubled, tally.disordered) == ([], [], [])
    assert tally.acknowledged == 600
    assert tally.kills.total() >= 12
    assert tally.phases == {"disk full": 1, "slow receiver": 1, "receiver away": 1}


def test_a_guard_that_acknowledges_before_it_writes_is_found_out(world):
    tally = weather(
        world,
        Storm(seed=7, messages=120, kills=0, full=0, slow=0, away=0, http=2, mllp=0,
              sabotage=True, patience=6.0),
    )  # fmt: skip
    assert tally.acknowledged == 120
    assert tally.own_deaths
    assert tally.lost
