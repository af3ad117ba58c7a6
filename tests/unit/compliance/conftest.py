"""What the inspector's tests share: a report made by really asking this machine a few things."""

import json
from dataclasses import replace

import pytest

from appliance.host import LocalHost
from appliance.signing import SigningKey
from compliance import catalogue, report
from compliance.findings import findings
from compliance.model import Kind
from compliance.run import Order, run
from tests.unit.compliance.people import everything_given


@pytest.fixture(scope="session")
def requirements():
    return catalogue.load()


@pytest.fixture(scope="session")
def ran(requirements):
    """A true run on this machine, without the host's checks: their walk takes too long here."""
    kinds = (Kind.HYPERVISOR, Kind.BOUNDARY, Kind.CONTROLLER)
    return run(LocalHost(), requirements, Order("示范医院", "node1", kinds))


@pytest.fixture(scope="session")
def plain(ran):
    """The report of that run, to which nobody gave anything."""
    return report.build(ran)


@pytest.fixture(scope="session")
def people(requirements, ran):
    """What people gave: of everything one that counts and one that does not."""
    return everything_given(requirements, ran)


@pytest.fixture(scope="session")
def full(requirements, ran, people):
    """The report of the same run with all that people can give."""
    found = findings(requirements, ran.subjects, ran.outcomes, people)
    return report.build(replace(ran, given=people, findings=tuple(found)))


@pytest.fixture(scope="session")
def key():
    return SigningKey.new()


@pytest.fixture
def envelope(plain, key):
    """A fresh copy of the signed report, free to be damaged."""
    return json.loads(json.dumps(report.sign(plain, key)))
