"""Only what the lock names gets into the box."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from appliance.host import LocalHost, Result
from images import checkout, wheels

_PROJECT = """
[project]
dependencies = ["one>=1"]
[project.optional-dependencies]
box = ["two>=2"]
dev = ["three"]
"""
_LOCK = """one==1.5 \\
    --hash=sha256:{one} \\
    --hash=sha256:{other}
two==2.0 ; python_version < "4" \\
    --hash=sha256:{other}
    # via nobody
"""


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_FILLED = _LOCK.format(one=_sum("one"), other=_sum("other"))


def test_lock_is_read() -> None:
    lock = wheels.parse_lock(_FILLED)
    assert lock.pins == ("one==1.5", "two==2.0")
    assert lock.hashes == {_sum("one"), _sum("other")}


def test_the_box_gets_no_tools_of_developers() -> None:
    assert wheels.wanted(_PROJECT) == ("one>=1", "two>=2")


def test_key_follows_lock_and_requirements() -> None:
    same = wheels.key(_PROJECT, _FILLED)
    assert wheels.key(_PROJECT.replace("three", "four"), _FILLED) == same
    assert wheels.key(_PROJECT.replace("two>=2", "two>=3"), _FILLED) != same
    assert wheels.key(_PROJECT, _FILLED.replace("1.5", "1.6")) != same


class _Pip(LocalHost):
    """Writes files where pip would."""

    def __init__(self, contents: list[str]) -> None:
        self.contents = contents

    def run(self, argv, **_: object) -> Result:
        target = Path(argv[argv.index("--dest") + 1])
        for number, content in enumerate(self.contents):
            (target / f"w{number}.whl").write_text(content)
        return Result(tuple(argv), 0, b"", b"")


def test_a_file_outside_the_lock_is_refused(tmp_path: Path) -> None:
    found = wheels.download(_Pip(["one", "other"]), _PROJECT, _FILLED, tmp_path / "a")
    assert len(found) == 2
    with pytest.raises(wheels.ForeignWheel):
        wheels.download(_Pip(["one", "evil"]), _PROJECT, _FILLED, tmp_path / "b")


def test_our_own_lock_pins_every_requirement_of_the_box() -> None:
    project = checkout.text("pyproject.toml")
    pins = {
        pin.partition("==")[0].lower()
        for pin in wheels.parse_lock(checkout.text("requirements.lock")).pins
    }
    named = (re.split(r"[>\[]", name)[0] for name in wheels.wanted(project))
    wanted = {name.lower().replace("_", "-") for name in named}
    assert wanted <= pins
    assert tomllib.loads(project)["project"]["name"] == "hbox"
