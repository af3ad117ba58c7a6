"""Every action has a worker; an action forgotten here is a job that nobody can do."""

from controller.actions import ACTIONS
from controller.workers import WORKERS


def test_every_action_has_a_worker_and_no_worker_is_without_an_action():
    missing = set(ACTIONS) - set(WORKERS)
    spare = set(WORKERS) - set(ACTIONS)
    assert not missing, f"add to controller/workers/__init__.py: {sorted(missing)}"
    assert not spare, f"no such action: {sorted(spare)}"
