"""Files handed in: what was never used goes, and who takes one away meanwhile stops nobody's upload."""

import io
import os
from pathlib import Path

from controller.jobs import uploads


def test_what_lay_there_unused_for_a_day_goes_and_the_rest_stays(tmp_path):
    old, fresh, other = (tmp_path / name for name in ("a.paper", "b.paper", "c.txt"))
    for path in (old, fresh, other):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    held = uploads.store(io.BytesIO(b"data"), tmp_path, 10, kind="paper")
    assert not old.exists()
    assert fresh.exists()
    assert other.exists()
    assert (tmp_path / held.name).read_bytes() == b"data"


def test_a_file_that_is_taken_away_meanwhile_stops_no_upload(tmp_path, monkeypatch):
    taken = tmp_path / "a.paper"
    taken.write_bytes(b"x")
    listed = Path.glob

    def glob(self, pattern):
        found = list(listed(self, pattern))
        taken.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "glob", glob)
    assert uploads.store(io.BytesIO(b"data"), tmp_path, 10).size == 4
