"""A machine's card by its address."""

import pytest

from appliance import nic


def test_mac_and_tap_are_told_by_the_address():
    assert nic.mac("10.66.0.10") == "52:54:0a:42:00:0a"
    assert nic.tap("10.66.0.10") == "hm0a42000a"
    addresses = [f"10.{n}.0.{last}" for n in (66, 88) for last in range(256)]
    assert len({nic.mac(a) for a in addresses}) == len({nic.tap(a) for a in addresses}) == 512
    assert max(len(nic.tap(a)) for a in addresses) <= 15
    first = int(nic.mac("10.66.0.10")[:2], 16)
    assert first & 3 == 2  # locally administered, one machine


@pytest.mark.parametrize("wrong", ["10.66.0", "fe80::1", "10.66.0.300", ""])
def test_what_is_no_address_has_none(wrong):
    with pytest.raises(ValueError):
        nic.mac(wrong)
