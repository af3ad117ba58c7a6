"""The bill of an image and the difference between two."""

import json
from pathlib import Path

from images import inventory, record
from images.inventory import Package

_OLD = [
    Package("deb", "a", "1:1.0+b1", "amd64"),
    Package("deb", "b", "1", "all"),
    Package("pypi", "A_b", "1"),
]
_NEW = [
    Package("deb", "a", "1:1.1", "amd64"),
    Package("pypi", "A_b", "1"),
    Package("deb", "c", "3", "all"),
]


def test_package_urls() -> None:
    assert _OLD[0].purl() == "pkg:deb/debian/a@1%3A1.0%2Bb1?arch=amd64"
    assert _OLD[2].purl() == "pkg:pypi/a-b@1"


def test_difference() -> None:
    assert inventory.difference(_OLD, _NEW) == [
        "~ deb a 1:1.0+b1 -> 1:1.1",
        "- deb b 1",
        "+ deb c 3",
    ]
    assert inventory.difference(_OLD, list(_OLD)) == []


def test_bill_is_cyclonedx() -> None:
    bill = inventory.bill("box", "k", _OLD)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    parts = bill["components"]
    assert isinstance(parts, list)
    refs = [part["bom-ref"] for part in parts]
    assert len(set(refs)) == len(_OLD)


def test_record_comes_back_whole(tmp_path: Path, capsys) -> None:
    file = tmp_path / "disk"
    file.write_bytes(b"abc")
    made = record.with_files(
        record.new("n", ".new-k1", _OLD), {"disk": file}, parts={"p": "q"}, cmdline="c"
    )
    record.write(tmp_path, made)
    back = record.read(tmp_path)
    assert back == made
    assert back.key == "k1"
    assert back.sha256["disk"].startswith("ba7816bf")
    assert json.loads((tmp_path / "sbom.cdx.json").read_text())["components"]


def test_a_rebuild_tells_the_difference(tmp_path: Path, capsys) -> None:
    for name, packages in (("old", _OLD), ("new", _NEW)):
        (tmp_path / name).mkdir()
        record.write(tmp_path / name, record.new("n", name, packages))
    record.tell_changes(None, tmp_path / "new")
    assert capsys.readouterr().err == ""
    record.tell_changes(tmp_path / "old", tmp_path / "new")
    said = capsys.readouterr().err
    assert "~ deb a" in said
    assert (tmp_path / "new/changes.txt").read_text() == said
