"""What the worker keeps of a report: items by part and layer, and what the machine judged."""

import json

import pytest

from compliance.checks import CHECKS
from compliance.run import INSPECTED
from controller.records.tables import ComplianceRun
from controller.web.facts import inspection
from controller.workers.compliance import summary
from tests.browser.hospital import furnished


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    hospital = furnished(tmp_path_factory.mktemp("hospital"))
    [path] = (hospital.settings.state / "reports").glob("*.json")
    return json.loads(path.read_bytes())["report"]


def test_the_record_shows_each_object_beside_the_items(found):
    kept = summary(found)
    assert set(kept) == {"general", "cloud", "layers", "judged", "band"}
    low, high = kept["band"]
    assert 0 <= low <= high <= 100
    assert [one["kind"] for one in kept["judged"]["objects"]] == list(INSPECTED)
    ran = sum(sum(one["checks"].values()) for one in kept["judged"]["objects"])
    assert ran == len(CHECKS)
    assert sum(inspection.counts(ComplianceRun(summary=kept)).values()) == 257
    assert json.loads(json.dumps(kept)) == kept
