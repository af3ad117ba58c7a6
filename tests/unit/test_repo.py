"""The repository's own promises, kept by a machine."""

import ast
import json
import re
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("appliance", "hardware", "network", "images", "playbooks", "compliance", "controller")
SOURCES = sorted(
    p
    for name in (*PACKAGES, "tests", "bench")
    for p in (ROOT / name).rglob("*.py")
    if "migrations/versions" not in p.as_posix()
)
LISTED = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    check=True,
).stdout.decode()
TEXTS = [
    p
    for name in LISTED.split("\0")
    if name
    and "/vendor/" not in name
    and (p := ROOT / name).is_file()
    and p.suffix not in {".png", ".woff2"}
]


def test_no_module_is_over_400_lines() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 400
    }
    assert not long


def test_no_module_has_a_name_that_says_nothing() -> None:
    bad = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base2"}
    assert not [p for p in SOURCES if p.stem in bad]


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(p.relative_to(ROOT))
        for p in SOURCES
        if p.relative_to(ROOT).parts[0] in PACKAGES
        and "sdk/template" not in p.as_posix()
        and p.read_text().strip()
        and not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert not silent


def test_our_import_names_are_ours_alone() -> None:
    foreign = {
        name: owners
        for name, owners in packages_distributions().items()
        if name in PACKAGES and set(owners) != {"hbox"}
    }
    assert not foreign


def test_every_error_has_a_code_of_its_own_and_both_languages() -> None:
    seen: dict[str, str] = {}
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] not in PACKAGES:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ClassDef):
                continue
            for line in node.body:
                if (
                    isinstance(line, ast.Assign)
                    and getattr(line.targets[0], "id", "") == "code"
                    and isinstance(line.value, ast.Constant)
                    and isinstance(line.value.value, str)
                    and re.fullmatch(r"[a-z_]+\.[a-z_.]+", line.value.value)
                ):
                    code, where = line.value.value, f"{path.relative_to(ROOT)}:{node.name}"
                    assert code not in seen, f"{code} stands in {seen.get(code)} and {where}"
                    seen[code] = where
    assert len(seen) > 10


@pytest.mark.parametrize(
    "word",
    ["deb.debian.org", "pypi.org", "pythonhosted", "registry.npmjs", "/work/main", "/work/shared"],
)
def test_no_registry_and_no_developer_machine_is_named(word: str) -> None:
    named = [
        str(p.relative_to(ROOT))
        for p in TEXTS
        if p != Path(__file__) and word in p.read_text("utf-8", "ignore")
    ]
    assert not named


def test_no_private_key_is_committed() -> None:
    found = [
        p
        for p in TEXTS
        if p != Path(__file__) and "PRIVATE KEY-----" in p.read_text("utf-8", "ignore")
    ]
    assert not found


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [
        *project["dependencies"],
        *(d for v in project["optional-dependencies"].values() for d in v),
    ]
    names = {re.split(r"[<>=\[; ]", d)[0].lower() for d in listed}
    table = (ROOT / "docs/dependencies.md").read_text().lower()
    assert not [n for n in sorted(names) if f"| {n} |" not in table]


def test_bench_results_follow_the_form() -> None:
    results = ROOT / "bench/results.jsonl"
    keys = {"bench", "unit", "ours", "peer", "peer_name", "ratio", "target", "met", "conditions"}
    for line in results.read_text().splitlines() if results.exists() else []:
        assert keys <= set(json.loads(line)), line
