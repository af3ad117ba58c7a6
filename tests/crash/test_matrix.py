"""The worker killed at every step boundary of every kind of job, on both databases; all ends are right.

Each kind is tried from a world that suits it. Undisturbed it must succeed, and with its last step
broken it must be undone. Killed anywhere on either way and started again it must come to the very same
end. `HBOX_CRASH=all` tries every boundary; else a few of each kind, chosen by `HBOX_CRASH_SEED`.
"""

import tempfile
from pathlib import Path

import pytest

from controller.actions import ACTIONS
from tests import postgres
from tests.crash.cases import CASES, ELSEWHERE
from tests.crash.killing import Ground, Point, Trial
from tests.crash.picture import differences
from tests.sampling import ALL, sample

SAMPLE = 2
DATABASES = ("sqlite", "postgresql")
PLACES = [(kind, number) for kind in sorted(CASES) for number in range(len(CASES[kind]))]


def _databases(kind: str, number: int) -> tuple[str, ...]:
    return tuple(sample(DATABASES, 1, f"{kind} {number}"))


TRIALS = [(*place, database) for place in PLACES for database in _databases(*place)]


@pytest.fixture(scope="module")
def grounds():
    """One ground for each database, made when it is needed; in memory, since only processes die here."""
    with (
        postgres.server(*postgres.SAFE) as running,
        tempfile.TemporaryDirectory(dir="/dev/shm", prefix="hbox-crash-") as folder,
    ):
        place = Path(folder)
        place.chmod(0o711)  # QEMU's tools read images as nobody
        made: dict[str, Ground] = {}

        def ground(database: str) -> Ground:
            if database not in made:
                root = place / database
                made[database] = Ground(root, running if database == "postgresql" else None)
                made[database].first()
            return made[database]

        yield ground


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """What is put aside is tried again at once."""
    monkeypatch.setattr("controller.jobs.runner._RETRY", -1.0)
    monkeypatch.setattr("controller.jobs.undo._PAUSES", (0.0, 0.0))


def test_every_kind_of_job_has_a_case():
    assert sorted(set(ACTIONS) - set(CASES) - set(ELSEWHERE)) == []
    assert sorted({*CASES, *ELSEWHERE} - set(ACTIONS)) == []


@pytest.mark.timeout(1800 if ALL else 120)
@pytest.mark.filterwarnings("ignore:<psycopg.Connection:ResourceWarning")
@pytest.mark.parametrize(("kind", "number", "database"), TRIALS, ids=str)
def test_killed_anywhere_it_comes_to_the_same_end(grounds, kind, number, database):
    case = CASES[kind][number]
    trial = Trial.begin(grounds(database), case)
    before = trial.before()
    done, forward = trial.undisturbed()
    assert (done != before) == case.changes
    steps = [step for step, phase in forward if phase == "begun"]
    undone, passed = trial.undisturbed(breaks=len(steps) - 1)
    if case.returns:
        assert differences(undone, before) == []
    back = [(step, phase) for step, phase in passed if phase.startswith("undo") or phase == "ended"]
    points = [Point(*boundary) for boundary in forward]
    points += [Point(*boundary, breaks=len(steps) - 1) for boundary in back]
    for point in sample(points, SAMPLE, f"{kind} {number} points"):
        end = trial.killed(point)
        wanted = done if point.breaks is None else undone
        assert differences(end, wanted) == [], str(point)
