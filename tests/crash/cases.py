"""Every kind of job and the worlds it is tried in; `test_matrix` says which kind has none."""

from tests.crash import (
    cases_exchange,
    cases_mending,
    cases_modules,
    cases_papers,
    cases_people,
    cases_vms,
    cases_volumes,
)
from tests.crash.case import Case

CASES: dict[str, list[Case]] = {
    **cases_vms.CASES,
    **cases_volumes.CASES,
    **cases_people.CASES,
    **cases_papers.CASES,
    **cases_exchange.CASES,
    **cases_modules.CASES,
    **cases_mending.CASES,
}
ELSEWHERE = frozenset(
    {
        "node.join", "node.configure", "node.remove",
        "storage.setup", "storage.disk.add", "storage.disk.remove", "storage.disk.replace",
    }
)  # fmt: skip
"""Kinds that are Ansible over SSH or Ceph's own programs from end to end: nothing of them runs without real
nodes. There the worker is killed in them, once in each, at a boundary that the seed chooses (interrupt.py):
by tests/cluster (make test-faults), and in node.remove by tests/lab/test_nodes.py."""
