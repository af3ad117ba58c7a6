"""The vendor's commands from `new` to `verify`, as a vendor would type them."""

import argparse
from pathlib import Path

import pytest

from appliance.errors import BoxError
from appliance.sdk import commands, scaffold, source
from appliance.sdk.errors import SourceInvalid, TestsFailed
from appliance.sdk.trust import Trust, VendorKey
from tests.unit.sdk import sample

MODULES = Path(commands.__file__).parents[1] / "modules"


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers(required=True))
    args = parser.parse_args(["module", *map(str, words)])
    return int(args.run(args))


def test_new_lint_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "acme-visit"
    assert run("new", "acme-visit", "--vendor", "acme", "--folder", folder) == 0
    assert (folder / "src" / "acme_visit" / "app.py").exists()
    assert not [p for p in folder.rglob("*") if p.is_file() and "@ID@" in p.read_text("utf-8")]
    assert run("lint", folder) == 0
    assert run("test", folder) == 0
    assert "OK" in capsys.readouterr().out
    app = folder / "src" / "acme_visit" / "app.py"
    app.write_text(app.read_text("utf-8").replace("新模块", "x"), "utf-8")
    with pytest.raises(TestsFailed):
        run("test", folder)


def test_keygen_sign_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "vendor.key"
    assert run("keygen", key) == 0
    assert key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SourceInvalid):
        run("keygen", key)
    path = sample.unsigned(tmp_path)
    assert run("sign", path, "--key", key) == 0
    pem = (tmp_path / "vendor.key.pub").read_text()
    (tmp_path / "trust.json").write_bytes(Trust((VendorKey("acme", pem, ("acme-*",)),)).as_json())
    assert run("verify", path, "--trust", tmp_path / "trust.json") == 0
    assert "acme-visit 1.2.3 acme" in capsys.readouterr().out
    with pytest.raises(BoxError):
        run("verify", path, "--trust", tmp_path / "none.json")


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert '"$schema"' in capsys.readouterr().out


def test_shipped_modules_are_fit_to_be_packed() -> None:
    assert sorted(p.name for p in MODULES.iterdir() if p.is_dir()) == ["appointment", "his-standin"]
    for name in ("appointment", "his-standin"):
        assert source.lint(MODULES / name) == []


def test_the_two_ends_of_each_channel_agree() -> None:
    one, other = (source.read(MODULES / n).manifest for n in ("appointment", "his-standin"))
    ends = {f.channel: f for f in one.flows if f.crosses}
    facing = {f.channel: f for f in other.flows if f.crosses}
    assert ends.keys() == facing.keys() == {
        "slot-read", "booking", "booking-answer", "booking-hl7", "booking-hl7-answer",
    }  # fmt: skip
    for name, flow in ends.items():
        twin = facing[name]
        assert (flow.source, flow.target) == (twin.target, twin.source)
        same = ("lane", "method", "path", "query", "request", "response", "data_class", "port")
        assert all(getattr(flow, k) == getattr(twin, k) for k in same), name


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("requirements.txt", "# One", "flask\n# One", "requirements.txt"),
        ("requirements.txt", "# One", "--index-url x\n# One", "requirements.txt"),
        ("requirements.txt", "# One", "flask==3.1.3\n# One", "requirements.txt"),
        ("pyproject.toml", "0.1.0", "0.2.0", "pyproject.toml"),
        ("pyproject.toml", 'name = "acme-visit"', 'name = "other"', "pyproject.toml"),
        ("pyproject.toml", "[project]", "[project", "pyproject.toml"),
    ],
)
def test_lint_finds(tmp_path: Path, file: str, old: str, new: str, problem: str) -> None:
    scaffold.new(tmp_path, "acme-visit", "acme")
    path = tmp_path / file
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    found = source.lint(tmp_path)
    assert [error.fields.get("what") for error in found] == [problem]
    assert run("lint", tmp_path) == 1


def test_lint_finds_all_at_once(tmp_path: Path) -> None:
    scaffold.new(tmp_path, "acme-visit", "acme")
    (tmp_path / "acme-visit.service").unlink()
    (tmp_path / "requirements.txt").unlink()
    (tmp_path / "src" / "acme_visit" / "__main__.py").unlink()
    assert len(source.lint(tmp_path)) == 3


@pytest.mark.parametrize("module", ["../x", "X", "a", "a b", ""])
def test_new_refuses_bad_names_and_full_folders(tmp_path: Path, module: str) -> None:
    with pytest.raises(SourceInvalid):
        scaffold.new(tmp_path / "x", module, "acme")
    (tmp_path / "held").write_text("")
    with pytest.raises(SourceInvalid):
        scaffold.new(tmp_path, "fine", "acme")
