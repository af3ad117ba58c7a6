"""What the box makes of AIDE's words: learned once, held against, renewed only on purpose, all on record."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from appliance import integrity
from appliance.host import Result
from appliance.integrity import AideFailed, Place, baseline, check, renew, summary

CLEAN = "AIDE found NO differences between database and filesystem. Looks okay!!\n"
FOUND = """AIDE found differences between database and filesystem!!

Summary:
  Total number of entries:\t21705
  Added entries:\t\t1
  Removed entries:\t\t0
  Changed entries:\t\t2
"""


class Aide:
    """A machine whose AIDE writes its database and says what it is told to."""

    name = "n1"

    def __init__(self, place: Place, code: int = 0, said: str = CLEAN) -> None:
        self.place, self.code, self.said = place, code, said
        self.verbs: list[str] = []

    def run(self, argv, **_more) -> Result:
        verb = argv[-1]
        self.verbs.append(verb)
        if verb in ("--init", "--update"):
            (self.place.database / "aide.db.new").write_text(f"made {len(self.verbs)}")
        return Result(tuple(argv), self.code, self.said.encode(), b"why")


@pytest.fixture
def place(tmp_path) -> Place:
    made = Place(tmp_path / "lib", tmp_path / "log")
    made.database.mkdir()
    made.reports.mkdir()
    return made


def test_the_baseline_is_made_once_and_looked_at(place):
    host = Aide(place)
    assert "baseline made" in baseline(host, place)
    assert host.verbs == ["--init", "--check"]
    assert (place.database / "aide.db").stat().st_mode & 0o777 == 0o600
    assert (place.reports / "aide.log").read_text() == CLEAN
    baseline(host, place)
    assert host.verbs == ["--init", "--check", "--check"]


def test_what_a_look_finds_is_counted_and_kept(place):
    host = Aide(place)
    baseline(host, place)
    host.code, host.said = 5, FOUND
    assert check(host, place).startswith("added 1, removed 0, changed 2; database sha256 ")
    assert (place.reports / "aide.log").read_text() == FOUND


def test_what_a_renewal_takes_over_is_kept_for_good(place):
    host = Aide(place)
    baseline(host, place)
    before = (place.database / "aide.db").read_text()
    host.code, host.said = 5, FOUND
    told = renew(host, place)
    assert "took over added 1, removed 0, changed 2" in told
    assert (place.database / "aide.db").read_text() != before
    assert [path.read_text() for path in place.reports.glob("renewed-*.log")] == [FOUND]


def test_a_renewal_without_a_database_makes_none(place):
    host = Aide(place)
    assert "no database" in renew(host, place)
    assert host.verbs == []
    assert not list(place.database.iterdir())


def test_a_renewal_waits_for_the_baseline(place, monkeypatch):
    monkeypatch.setattr("sys.argv", ["integrity", "renew"])
    monkeypatch.setattr(integrity, "Place", lambda: place)
    host = Aide(place)
    monkeypatch.setattr(integrity, "LocalHost", lambda: host)
    monkeypatch.setattr(integrity.Syslog, "send", lambda *_more: None)
    with ThreadPoolExecutor() as pool:
        with integrity.alone(place):
            later = pool.submit(integrity.main)
            assert not wait([later], 0.2).done
            baseline(host, place)
        assert later.result(10) == 0
    assert host.verbs == ["--init", "--check", "--update", "--check"]


@pytest.mark.parametrize("code", [14, 17, 22, -9])
def test_an_aide_that_cannot_look_is_no_clean_look(place, code):
    with pytest.raises(AideFailed):
        check(Aide(place, code), place)
    assert not (place.reports / "aide.log").exists()


def test_the_report_may_say_nothing_of_counts():
    assert summary(CLEAN) == "added 0, removed 0, changed 0"


def test_its_longest_time_is_within_its_units():
    assert integrity.LONGEST < 3600
