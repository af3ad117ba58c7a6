"""PostgreSQL restarted in the middle of every kind of job: nothing is lost, nothing is done by halves.

The server is stopped (in an orderly way, or as by a crash) at a step boundary of the job or in the
middle of one of its transactions, and comes back a moment later; the worker waits for it or, where its
patience is at its end, puts the job aside and goes on with it later. `HBOX_CRASH=all` tries every kind
in each of these ways; else a few kinds in one each, chosen by `HBOX_CRASH_SEED`.
"""

import random
import tempfile
from pathlib import Path

import pytest

from tests import postgres
from tests.crash import losing
from tests.crash.cases import CASES
from tests.crash.killing import Ground, Trial
from tests.crash.losing import Loss
from tests.crash.picture import differences
from tests.sampling import SEED, sample

SAMPLE = 5
PLACES = [(kind, number) for kind in sorted(CASES) for number in range(len(CASES[kind]))]
TRIALS = [
    (*one, way)
    for one in sample(PLACES, SAMPLE, "database")
    for way in sample(losing.WAYS, 1, f"{one} database")
]


@pytest.fixture(scope="module")
def ground():
    with (
        postgres.server(*postgres.SAFE) as running,
        tempfile.TemporaryDirectory(dir="/dev/shm", prefix="hbox-crash-") as folder,
    ):
        place = Path(folder)
        place.chmod(0o711)  # QEMU's tools read images as nobody
        made = Ground(place / "postgresql", running)
        made.first()
        yield made


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """What is put aside is tried again at once."""
    monkeypatch.setattr("controller.jobs.runner._RETRY", -1.0)
    monkeypatch.setattr("controller.jobs.undo._PAUSES", (0.0, 0.0))


@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore:<psycopg.Connection:ResourceWarning")
@pytest.mark.parametrize(("kind", "number", "way"), TRIALS, ids=str)
def test_a_job_that_loses_its_database_ends_as_if_it_had_not(ground, kind, number, way):
    trial = Trial.begin(ground, CASES[kind][number])
    done, _ = trial.undisturbed()
    chance = random.Random(f"{SEED} {kind} {number} {way}")  # noqa: S311 - a sample, not a secret
    loss = Loss(
        way,
        chance.randint(1, losing.counted(trial, ground.server)[way]),
        chance.choice(("fast", "immediate")),
        chance.choice((0.0, 0.4, 0.8)),
        chance.choice((0.0, 3.0)),
    )
    end = losing.lost(trial, ground.server, loss)
    assert differences(end, done) == [], str(loss)
