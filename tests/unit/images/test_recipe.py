"""Recipes: complete, strict, and their digest follows every part."""

import pytest

from appliance.errors import BadInput
from images import recipe, root

_SMALL = """
name = "small"
suite = "trixie"
disk_mib = 100
packages = ["a", "b"]
without = ["/usr/share/man/*"]
keep = ["/usr/share/doc/*/copyright"]
mask = ["x.service"]
remove = ["var/log/*.log"]
[files]
"/etc/hook" = '''
#!/bin/sh
true
'''
"""


@pytest.mark.parametrize("name", ["box", "guest-base"])
def test_shipped_recipes_are_valid(name: str) -> None:
    found = recipe.load(name)
    assert found.name == name
    assert found.suite == "trixie"
    assert len(set(found.packages)) == len(found.packages)
    assert not any("://" in text for _, text in found.files)


def test_digest_follows_every_part() -> None:
    same = recipe.parse(_SMALL, "t").digest()
    assert recipe.parse(_SMALL, "other place").digest() == same
    for old, new in (
        ('"a", "b"', '"a"'),
        ("100", "200"),
        ("x.service", "y.service"),
        ("true", "false"),
        ("/man/", "/info/"),
        ("*.log", "*.txt"),
        ("copyright", "NEWS"),
        ("trixie", "forky"),
    ):
        assert recipe.parse(_SMALL.replace(old, new), "t").digest() != same, old


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('suite = "trixie"', ""),
        ('suite = "trixie"', "suite = 13"),
        ('["a", "b"]', '"a"'),
        ("[files]", "more = 1\n[files]"),
        ("[files]", "[files"),
    ],
)
def test_a_wrong_recipe_is_refused(old: str, new: str) -> None:
    with pytest.raises(BadInput):
        recipe.parse(_SMALL.replace(old, new), "t")


def test_bootstrap_names_the_mirror_nowhere(tmp_path) -> None:
    argv = root.bootstrap(recipe.parse(_SMALL, "t"), tmp_path / "f", tmp_path / "r", ["P;"])
    assert argv[-2:] == ["trixie", str(tmp_path / "r")]
    assert "--include=a,b" in argv
    assert "--aptopt=P;" in argv
    assert argv.index("--dpkgopt=path-exclude=/usr/share/man/*") < argv.index(
        "--dpkgopt=path-include=/usr/share/doc/*/copyright"
    ), "dpkg lets the last match win"


def test_finish_removes_and_empties(tmp_path) -> None:
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "var/log/dpkg.log").write_text("x")
    (tmp_path / "var/log/keep").write_text("x")
    (tmp_path / "etc/machine-id").write_text("0123")
    root.finish(recipe.parse(_SMALL, "t"), tmp_path)
    assert sorted(p.name for p in (tmp_path / "var/log").iterdir()) == ["keep"]
    assert (tmp_path / "etc/machine-id").read_bytes() == b""


def test_masks_come_after_presets() -> None:
    lines = root.units_script(recipe.parse(_SMALL, "t")).splitlines()
    assert "preset-all" in lines[0]
    assert lines[1:] == ["ln -sfn /dev/null '/etc/systemd/system/x.service'"]
