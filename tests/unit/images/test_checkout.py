"""The product's digest follows names, modes and contents, and nothing else."""

from pathlib import Path

from images import checkout


def _tree(top: Path) -> Path:
    (top / "images/__pycache__").mkdir(parents=True)
    (top / "docs").mkdir()
    (top / "images/a.py").write_text("1")
    (top / "pyproject.toml").write_text("p")
    return top


def test_digest_follows_what_goes_into_the_box(tmp_path: Path) -> None:
    top = _tree(tmp_path)
    first = checkout.digest(top)
    (top / "images/__pycache__/a.pyc").write_text("x")
    (top / "docs/page").write_text("x")
    assert checkout.digest(top) == first
    (top / "images/a.py").chmod(0o755)
    second = checkout.digest(top)
    (top / "images/a.py").write_text("2")
    third = checkout.digest(top)
    (top / "images/a.py").rename(top / "images/b.py")
    assert len({first, second, third, checkout.digest(top)}) == 4
