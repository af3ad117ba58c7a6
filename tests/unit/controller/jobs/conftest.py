"""A fresh toy world per test."""

import pytest

from tests.unit.controller.jobs.toy import World


@pytest.fixture
def world(tmp_path) -> World:
    return World.new(tmp_path)
