"""Approved manifests compile to exactly the declared flows and channels, and to nothing else."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.sdk.manifest import from_dict
from controller.workers.openings import (
    AddressOutside,
    Approved,
    ChannelsDiffer,
    ChannelTaken,
    channels,
    check_addresses,
    flows,
)
from network.firewall import Abilities, Flow, ruleset
from network.gateway.policy import Policy, check
from network.zones import PLAN

MODULES = Path(__file__).parents[4] / "appliance" / "modules"


def raw(module: str) -> dict:
    return tomllib.loads((MODULES / module / "module.toml").read_text("utf-8"))


def approved(module: str, address: str, change=lambda _raw: None) -> Approved:
    told = raw(module)
    change(told)
    return Approved(from_dict(told), address, "secadmin")


@pytest.fixture
def patient_side():
    return approved("appointment", "10.88.0.10")


@pytest.fixture
def hospital_side():
    return approved("his-standin", "10.66.0.10")


def test_nothing_approved_opens_nothing():
    assert channels([]) == ()
    assert flows([]) == ()


def test_a_lone_side_opens_no_way_across(patient_side):
    assert channels([patient_side]) == ()
    (only,) = flows([patient_side])
    assert (only.source, only.destination, only.port) == ("10.88.0.200", "10.88.0.10", 8080)


def test_both_sides_open_the_declared_channels(patient_side, hospital_side):
    ways = {way.id: way for way in channels([patient_side, hospital_side])}
    assert set(ways) == {"slot-read", "booking", "booking-answer"}
    read, book, answer = ways["slot-read"], ways["booking"], ways["booking-answer"]
    assert (read.direction, read.lane, read.method) == ("extranet->intranet", "request", "GET")
    assert (read.peer, read.target) == ("10.88.0.10", "http://10.66.0.10:8080")
    assert (book.direction, book.lane, book.request[0].values) == (
        "extranet->intranet", "store", ("Appointment",),
    )  # fmt: skip
    assert (answer.direction, answer.peer) == ("intranet->extranet", "10.66.0.10")
    assert answer.target == "http://10.88.0.10:8080"
    assert {way.approver for way in ways.values()} == {"secadmin"}
    check(Policy(1, "2026-01-01T00:00:00+00:00", tuple(ways.values())))


def test_the_filter_opens_one_port_per_flow_and_the_ruleset_takes_them(patient_side, hospital_side):
    opened = flows([patient_side, hospital_side])
    assert {(f.zone, f.source, f.destination, f.port) for f in opened} == {
        ("extranet", "10.88.0.10", "10.88.0.2", 8080),
        ("extranet", "10.88.0.2", "10.88.0.10", 8080),
        ("extranet", "10.88.0.200", "10.88.0.10", 8080),
        ("intranet", "10.66.0.10", "10.66.0.2", 8080),
        ("intranet", "10.66.0.2", "10.66.0.10", 8080),
        ("intranet", "10.66.0.200", "10.66.0.10", 8080),
    }
    assert len(opened) == 6
    assert all(isinstance(flow, Flow) for flow in opened)
    ruleset(PLAN, opened, Abilities(conntrack=True, bridge_name=True))


def test_sides_that_differ_open_nothing(patient_side):
    def wider(told):
        told["flows"][1]["request"]["fields"].append({"path": "comment", "type": "string"})

    with pytest.raises(ChannelsDiffer):
        channels([patient_side, approved("his-standin", "10.66.0.10", wider)])


def test_the_stricter_rate_and_the_higher_class_hold(patient_side):
    def slower(told):
        told["flows"][0]["rate"], told["flows"][0]["data_class"] = 5, 4

    ways = channels([patient_side, approved("his-standin", "10.66.0.10", slower)])
    read = next(way for way in ways if way.id == "slot-read")
    assert (read.rate, read.data_class) == (5, "4")


def test_both_approvers_are_named(patient_side, hospital_side):
    ways = channels([patient_side, replace(hospital_side, approver="other")])
    assert {way.approver for way in ways} == {"secadmin, other"} or {
        way.approver for way in ways
    } == {"secadmin, other", "other, secadmin"}


def test_a_third_module_cannot_take_over_a_channel(patient_side, hospital_side):
    def renamed(told):
        told["module"]["id"], told["data"] = "zzz", []

    third = approved("his-standin", "10.66.0.11", renamed)
    for compiled in (channels, flows):
        with pytest.raises(ChannelTaken):
            compiled([patient_side, hospital_side, third])


def test_both_ends_in_one_zone_are_no_way_across(patient_side):
    def moved(told):
        told["component"]["zone"] = "extranet"
        told["flows"] = [flow for flow in told["flows"] if "channel" in flow]

    with pytest.raises(ChannelsDiffer):
        channels([patient_side, approved("his-standin", "10.88.0.11", moved)])


@pytest.mark.parametrize(
    "address", ["10.66.0.2", "10.66.0.200", "10.88.0.11", "127.0.0.1", "10.66.0.010", "", "x"]
)
def test_an_address_that_no_machine_of_the_zone_has_opens_nothing(
    patient_side, hospital_side, address
):
    check_addresses([patient_side, hospital_side])
    with pytest.raises(AddressOutside):
        check_addresses([patient_side, replace(hospital_side, address=address)])


def test_two_modules_never_share_an_address(hospital_side):
    with pytest.raises(AddressOutside):
        check_addresses([hospital_side, hospital_side])
