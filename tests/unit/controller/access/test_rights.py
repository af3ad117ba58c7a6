"""Rights, scopes and layers: what covers what, as a table and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInput
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.actions.rights import Need, Right, Scope, covered, sound_path

VM = "/vms/00000000-0000-4000-8000-000000000001"
PLACES = ("/", "/tenants/red", VM)
RIGHTS = st.sampled_from(list(Right))
PATHS = st.sampled_from([*PLACES, "/tenants/blue", "/tenants/re"])
SCOPES = st.builds(Scope, RIGHTS, PATHS)
LIMITS = st.lists(st.lists(SCOPES, max_size=3).map(tuple), max_size=3).map(tuple)
NEEDS = st.builds(Need, RIGHTS, st.just(PLACES))


@pytest.mark.parametrize(
    ("right", "path", "wanted", "enough"),
    [
        ("view", "/", "view", True),
        ("view", "/", "operate", False),
        ("operate", "/tenants/red", "view", True),
        ("operate", "/tenants/red", "operate", True),
        ("operate", "/tenants/red", "manage", False),
        ("manage", VM, "manage", True),
        ("manage", "/tenants/blue", "view", False),
        ("manage", "/tenants/re", "view", False),
        ("manage", "/tenants", "view", False),
    ],
)
def test_what_a_scope_covers(right, path, wanted, enough):
    assert Scope(Right(right), path).covers(Need(Right(wanted), PLACES)) is enough


@given(LIMITS, NEEDS)
def test_another_layer_never_gives_more(limits, need):
    if not covered(limits, (need,)):
        assert not covered((*limits, (Scope(Right.MANAGE, "/"),)), (need,))


@given(LIMITS, NEEDS, SCOPES)
def test_another_scope_in_a_layer_never_takes_away(limits, need, scope):
    if limits and covered(limits, (need,)):
        assert covered(((*limits[0], scope), *limits[1:]), (need,))


@given(LIMITS, NEEDS, NEEDS)
def test_two_needs_are_both_needed(limits, one, two):
    both = covered(limits, (one, two))
    assert both == (covered(limits, (one,)) and covered(limits, (two,)))


def test_a_tenant_without_grants_reaches_nothing_whatever_it_came_with():
    who = Principal("-", "t", Role.TENANT)
    assert not who.reaches(Need(Right.VIEW, ("/",)))
    assert Principal("-", "s", Role.SYSTEM).reaches(Need(Right.MANAGE, ("/",)))


@pytest.mark.parametrize(
    "path",
    ["", "//", "/tenants", "/tenants/", "/tenants/RED", "/tenants/a/b", "/vms/x", "/vms/../x",
     "/tenants/red\n", "/tenants/%2e", "/ ", VM.upper()],
)  # fmt: skip
def test_paths_have_three_forms_and_no_other(path):
    with pytest.raises(BadInput):
        sound_path(path)


@pytest.mark.parametrize("path", ["/", "/tenants/red", VM])
def test_sound_paths(path):
    sound_path(path)
