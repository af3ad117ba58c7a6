"""What the inspector's tests share: a report made by really asking this machine a few things."""

import json

import pytest

from appliance.host import LocalHost
from appliance.signing import SigningKey
from compliance import catalogue, report
from compliance.model import Kind
from compliance.run import Order, run


@pytest.fixture(scope="session")
def requirements():
    return catalogue.load()


@pytest.fixture(scope="session")
def plain(requirements):
    """A true report about this machine, without the host's checks: their walk takes too long here."""
    kinds = (Kind.HYPERVISOR, Kind.BOUNDARY, Kind.CONTROLLER)
    return report.build(run(LocalHost(), requirements, Order("示范医院", "node1", kinds)))


@pytest.fixture(scope="session")
def key():
    return SigningKey.new()


@pytest.fixture
def envelope(plain, key):
    """A fresh copy of the signed report, free to be damaged."""
    return json.loads(json.dumps(report.sign(plain, key)))
