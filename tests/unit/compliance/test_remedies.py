"""Every check has a remedy of the box or advice to a person, and every remedy's tasks are there."""

import re

import pytest
import yaml

import playbooks
from compliance import remedies
from compliance.checks import CHECKS
from compliance.remedies import ADVICE, REMEDIES
from compliance.remedies.host import ON_EACH, SWITCHES
from compliance.remedies.model import OPEN, RULES, Lockout, Remedy, within

TAGS = {
    tag.strip()
    for path in playbooks.ROOT.glob("roles/*/tasks/*.yml")
    for found in re.findall(r"^\s*tags: \[([^\]]*)\]", path.read_text(), re.MULTILINE)
    for tag in found.split(",")
}


def test_every_check_has_exactly_one_of_remedy_and_advice():
    mended = [check for one in REMEDIES.values() for check in one.checks]
    assert len(mended) == len(set(mended))
    assert sorted([*mended, *ADVICE]) == sorted(check.id for check in CHECKS)


def test_what_is_said_is_said_in_both_languages():
    for text in [*ADVICE.values(), *(one.text for one in REMEDIES.values())]:
        assert re.search(r"[\u4e00-\u9fff]", text.zh)
        assert re.search(r"[a-z]", text.en)


def test_every_remedy_has_tasks_in_the_roles_that_carry_its_tag():
    assert sorted(set(REMEDIES) - TAGS) == []
    assert sorted(TAGS - set(REMEDIES)) == []


def test_what_touches_ssh_pam_or_the_filter_is_known_to_lock_out_and_is_never_safe():
    ways = {
        "/etc/ssh/sshd_config": Lockout.SSH,
        "/etc/pam.d/sshd": Lockout.PAM,
        RULES: Lockout.NETWORK,
    }
    for one in REMEDIES.values():
        for path, way in ways.items():
            if within(path, one.surface):
                assert one.lockout is way, one.id
                assert not one.safe


def test_the_switches_that_are_kept_are_those_that_the_role_sets():
    path = playbooks.ROOT / "roles/base/vars/main.yml"
    held = yaml.safe_load(path.read_text())
    assert list(held["hbox_sysctl"]) == list(SWITCHES)
    assert list(held["hbox_sysctl_each"]) == list(ON_EACH)


def test_a_remedy_is_found_by_its_name_or_by_its_check_and_comes_once():
    found = remedies.named(["faillock", "sshd_limits", "faillock"])
    assert [one.id for one in found] == ["faillock", "sshd_limits"]


def test_what_has_none_is_refused_with_what_a_person_does():
    with pytest.raises(remedies.NoSuchRemedy) as refused:
        remedies.named(["boot_trust"])
    assert "TPM" in refused.value.advice.zh
    with pytest.raises(remedies.NoSuchRemedy):
        remedies.named(["no_such"])


def test_all_that_is_safe_leaves_out_what_could_lock_out():
    found = {
        one.id for one in remedies.safe_for(["usb_storage", "faillock", "accounts", "boot_trust"])
    }
    assert found == {"usb_storage"}


@pytest.mark.parametrize(
    ("path", "pattern", "how", "inside"),
    [
        ("/etc/pam.d/sshd", "/etc/pam.d/**", "changed", True),
        ("/etc/pam.d", "/etc/pam.d/**", "mode", True),
        ("/etc/pam.dx", "/etc/pam.d/**", "changed", False),
        ("/etc/ssh/a/b", "/etc/ssh/*", "changed", False),
        ("/etc/shadow", "modes:/etc/shadow", "mode", True),
        ("/etc/shadow", "modes:/etc/shadow", "changed", False),
        ("/opt/x", f"{OPEN}/", "mode", True),
        ("/opt/x", f"{OPEN}/", "gone", False),
    ],
)
def test_a_surface_says_what_may_change_and_how(path, pattern, how, inside):
    assert within(path, (pattern,), how) is inside


def test_a_unit_may_be_enabled_and_masked_and_nothing_else():
    surface = Remedy("x", ("x",), REMEDIES["faillock"].text, (), ("ssh.service",)).surface
    assert within("/etc/systemd/system/ssh.service", surface)
    assert within("/etc/systemd/system/multi-user.target.wants/ssh.service", surface)
    assert not within("/etc/systemd/system/cron.service", surface)
