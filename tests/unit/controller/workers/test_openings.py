"""Approved manifests compile to exactly the declared flows and channels, and to nothing else."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from appliance.errors import BadInput
from appliance.sdk import flows as sdk
from appliance.sdk.manifest import from_dict
from controller.workers.openings import (
    AddressOutside,
    Approved,
    ChannelsDiffer,
    ChannelTaken,
    PolicyConflict,
    channels,
    check_addresses,
    flows,
    ways_of,
    whole,
)
from network.firewall import Abilities, Flow, ruleset
from network.gateway import dlp
from network.gateway.policy import Policy, check
from network.gateway.primitives import Primitive
from network.gateway.text import parse
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
    assert set(ways) == {
        "slot-read", "booking", "booking-answer", "booking-hl7", "booking-hl7-answer",
    }  # fmt: skip
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
        ("extranet", "10.88.0.10", "10.88.0.2", 2575),
        ("extranet", "10.88.0.2", "10.88.0.10", 2575),
        ("intranet", "10.66.0.10", "10.66.0.2", 2575),
        ("intranet", "10.66.0.2", "10.66.0.10", 2575),
    }
    assert len(opened) == 10
    assert all(isinstance(flow, Flow) for flow in opened)
    ruleset(PLAN, opened, Abilities(conntrack=True, bridge_name=True))


def test_an_hl7_line_names_types_parts_and_both_mllp_ports(patient_side, hospital_side):
    ways = {way.id: way for way in channels([patient_side, hospital_side])}
    line = ways["booking-hl7"]
    assert (line.protocol, line.lane, line.method, line.path) == ("hl7v2", "store", "", "")
    assert (line.port, line.target) == (2575, "mllp://10.66.0.10:2575")
    assert line.types == ("ADT^A04", "SIU^S12")
    assert [p.carries for p in line.parts if p.path == "PID-13"] == [("phone",)]


def test_parts_must_agree_on_both_sides(patient_side):
    def wider(told):
        flow = next(f for f in told["flows"] if f["name"] == "booking-hl7")
        flow["parts"].append({"path": "PID-19"})

    with pytest.raises(ChannelsDiffer):
        channels([patient_side, approved("his-standin", "10.66.0.10", wider)])


def test_a_fhir_line_names_its_resources(patient_side, hospital_side):
    def as_fhir(told):
        flow = next(f for f in told["flows"] if f["name"] == "slot-read")
        told["flows"] = [flow]
        for name in ("method", "query", "response"):
            flow.pop(name)
        flow |= {
            "protocol": "fhir", "path": "/fhir",
            "resources": [
                {"type": "Slot", "interactions": ["read", "search"], "params": ["start"],
                 "whole": True},
                {"type": "Schedule", "interactions": ["read"],
                 "fields": [{"path": "id", "type": "id"}]},
            ],
        }  # fmt: skip

    (way,) = channels(
        [
            approved("appointment", "10.88.0.10", as_fhir),
            approved("his-standin", "10.66.0.10", as_fhir),
        ]
    )
    assert (way.protocol, way.path, way.method) == ("fhir", "/fhir", "")
    assert [(r.type, r.whole, len(r.fields)) for r in way.resources] == [
        ("Slot", True, 0), ("Schedule", False, 1),
    ]  # fmt: skip
    check(Policy(1, "now", (way,)))


def test_what_the_sdk_calls_a_field_type_is_what_the_gateway_checks():
    assert get_args(sdk.FieldType) == get_args(Primitive)
    assert set(get_args(sdk.PersonalNumber)) == dlp.KINDS


LAB = """\
id = "lab-report"
purpose = "检验报告"
data_class = "3"
direction = "intranet->extranet"
lane = "store"
peer = "10.66.0.20"
target = "http://10.88.0.30:9000"
method = "POST"
path = "/fhir/Observation"
request = [{ path = "resourceType", type = "code" }]
"""


def test_texts_and_modules_are_judged_as_one_policy(patient_side, hospital_side):
    lab = parse(LAB)
    both = whole([patient_side, hospital_side], [lab])
    assert "lab-report" in {way.id for way in both.channels}
    assert {(f.zone, f.source, f.destination, f.port) for f in ways_of(lab)} == {
        ("intranet", "10.66.0.20", "10.66.0.2", 8080),
        ("extranet", "10.88.0.2", "10.88.0.30", 9000),
    }
    assert len(both.flows) == 12
    with pytest.raises(PolicyConflict):
        whole([patient_side, hospital_side], [replace(lab, id="booking")])
    with pytest.raises(BadInput):
        whole([], [replace(lab, peer="10.88.0.20")])


def test_two_channels_cannot_want_different_things_of_one_port():
    """A leg that cannot start would take the whole gateway down: it is refused before."""
    pinned = replace(parse(LAB), id="pinned", tls="sm", client_cert="a" * 64, peer="10.66.0.21")
    open_to_all = replace(parse(LAB), id="open", tls="sm")
    whole([], [pinned])
    with pytest.raises(PolicyConflict):
        whole([], [pinned, open_to_all])


def test_a_channel_of_files_opens_no_connection():
    files = replace(
        parse(LAB), protocol="files", target="files://images", method="", path="", request=()
    )
    assert ways_of(files) == ()


def test_a_channel_under_tls_opens_its_own_port():
    secured = replace(parse(LAB), tls="sm")
    assert ways_of(secured)[0].port == 8443
    assert ways_of(replace(secured, port=9443))[0].port == 9443


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
