"""Deadlines: the earliest of many, and nothing of what is done."""

from hypothesis import given
from hypothesis import strategies as st

from network.gateway.deadlines import Deadlines


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=200), st.integers(0, 50))
def test_it_knows_what_a_plain_look_at_all_would_find(entries, now):
    deadlines, open_ones = Deadlines(), {}
    for ident, (at, done) in enumerate(entries):
        deadlines.add(at, ident)
        open_ones[ident] = at
        if done:
            deadlines.done(ident)
            del open_ones[ident]
    assert deadlines.next() == min(open_ones.values(), default=None)
    over = {ident for ident, at in open_ones.items() if at <= now}
    assert set(deadlines.over(now)) == over
    rest = [at for ident, at in open_ones.items() if ident not in over]
    assert deadlines.next() == min(rest, default=None)
    assert deadlines.over(now) == []


def test_what_is_done_takes_no_memory():
    deadlines = Deadlines()
    deadlines.add(5.0, 0)
    for ident in range(1, 10_000):
        deadlines.add(10.0 + ident, ident)
        deadlines.done(ident)
    assert len(deadlines._heap) < 100
    assert deadlines.next() == 5.0
