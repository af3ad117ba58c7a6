"""The cache: whole or absent, one builder at a time, the longest unused goes."""

import os
import threading
from pathlib import Path

import pytest

from images.cache import KEPT, Cache


def _write(text: str):
    def build(folder: Path) -> None:
        (folder / "content").write_text(text)

    return build


def test_builds_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.find("kind", "k") is None
    made = cache.entry("kind", "k", _write("first"))
    assert cache.entry("kind", "k", _write("second")) == made
    assert (made / "content").read_text() == "first"
    assert cache.find("kind", "other") is None


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def broken(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.entry("kind", "k", broken)
    assert cache.entries("kind") == []
    assert list((tmp_path / "kind").iterdir()) == []


def test_a_killed_build_is_not_taken_for_whole(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    half = tmp_path / "kind/.new-k"
    half.mkdir(parents=True)
    (half / "content").write_text("half")
    assert cache.find("kind", "k") is None
    made = cache.entry("kind", "k", _write("whole"))
    assert (made / "content").read_text() == "whole"
    assert not half.exists()


def test_two_builders_build_once(tmp_path: Path) -> None:
    built: list[int] = []
    inside = threading.Barrier(2)

    def build(_: Path) -> None:
        built.append(1)

    def one() -> None:
        inside.wait()
        Cache(tmp_path).entry("kind", "k", build)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [1]


def test_fresh_builds_beside_and_wins(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    old = cache.entry("kind", "k", _write("old"))
    os.utime(old, (1, 1))
    new = cache.entry("kind", "k", _write("new"), fresh=True)
    assert new != old
    assert old.exists()
    assert cache.find("kind", "k") == new


def test_the_longest_unused_goes(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for number in range(KEPT + 2):
        made = cache.entry("kind", f"k{number}", _write("x"))
        os.utime(made, (number, number))
    cache.entry("kind", "k0", _write("again"))
    kept = {path.name for path in cache.entries("kind")}
    assert len(kept) == KEPT
    assert f"k{KEPT + 1}" in kept
