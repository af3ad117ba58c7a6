"""The log store: finished days are packed, nothing young is deleted, the plan tells when room runs out."""

import datetime as dt
import gzip

from appliance.logstore import KEPT_DAYS, look, plan, upkeep

TODAY = dt.date(2026, 11, 22)


def day(back: int) -> str:
    return (TODAY - dt.timedelta(days=back)).isoformat()


def lay(folder, *backs: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for back in backs:
        path = folder / f"{day(back)}.log"
        path.write_bytes(b"line\n" * 100)
        path.chmod(0o640)


def test_finished_days_are_packed_as_they_are_and_young_ones_stay(tmp_path):
    lay(tmp_path / "n1", 0, 1, 2, KEPT_DAYS)
    assert upkeep((tmp_path,), TODAY) == []
    names = sorted(path.name for path in (tmp_path / "n1").iterdir())
    assert names == sorted(
        [f"{day(0)}.log", f"{day(1)}.log", f"{day(2)}.log.gz", f"{day(KEPT_DAYS)}.log.gz"]
    )
    packed = tmp_path / "n1" / f"{day(2)}.log.gz"
    assert gzip.decompress(packed.read_bytes()) == b"line\n" * 100
    assert packed.stat().st_mode & 0o777 == 0o640


def test_only_what_is_past_its_time_goes_and_nothing_else_in_the_folder(tmp_path):
    lay(tmp_path / "n1", KEPT_DAYS + 1, KEPT_DAYS)
    (tmp_path / "plan.json").write_text("{}")
    (tmp_path / "n1" / "note.txt").write_text("mine")
    gone = upkeep((tmp_path,), TODAY)
    assert gone == [str(tmp_path / "n1" / f"{day(KEPT_DAYS + 1)}.log")]
    assert (tmp_path / "plan.json").exists()
    assert (tmp_path / "n1" / "note.txt").exists()


def test_a_link_is_neither_packed_nor_followed(tmp_path):
    (tmp_path / "n1").mkdir()
    (tmp_path / "outside").write_text("x")
    (tmp_path / "n1" / f"{day(KEPT_DAYS + 5)}.log").symlink_to(tmp_path / "outside")
    assert upkeep((tmp_path / "n1",), TODAY) == []
    assert (tmp_path / "outside").exists()


def test_the_detectors_own_names_are_days_too(tmp_path):
    path = tmp_path / f"eve-{day(KEPT_DAYS + 1)}.json"
    path.write_text("{}")
    assert upkeep((tmp_path,), TODAY) == [str(path)]


def test_the_plan_tells_in_time_that_room_will_run_out():
    files = {day(back): 1000 for back in range(10)}
    needed = 1000 * KEPT_DAYS - 10_000
    held = plan(files, TODAY, free=needed + 10_001, total=100_000)
    assert (held.needed, held.a_day, held.enough) == (needed, 1000, True)
    assert not plan(files, TODAY, free=needed + 9_999, total=100_000).enough


def test_a_full_store_needs_no_more():
    files = {day(back): 1000 for back in range(1, KEPT_DAYS + 5)}
    assert plan(files, TODAY, free=50_000, total=100_000).needed == 0


def test_a_fresh_store_is_planned_from_its_first_day(tmp_path):
    lay(tmp_path / "n1", 0)
    made = look((tmp_path,), TODAY)
    assert (made.first, made.days, made.a_day) == (day(0), 1, 500)
    empty = plan({}, TODAY, 1, 1)
    assert (empty.held, empty.a_day) == (0, 0)
