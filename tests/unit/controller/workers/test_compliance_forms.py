"""The worker's part: forms made by a process apart; one that fails is missing, never wrong, and the log says why."""

import json
import sys
from types import SimpleNamespace

import pytest

from appliance.host import CommandTimeout, LocalHost, Result
from compliance.exports import FORMS, unit
from controller.workers import compliance_forms
from tests.browser.hospital import furnished
from tests.unit.compliance.small import small


class Here(LocalHost):
    """This machine without units: the same program is run in the same way, bare."""

    def run(self, argv, **given):
        if argv[0] == "chgrp":
            return Result(tuple(argv), 0, b"", b"")
        return super().run([sys.executable, *argv[argv.index("-I") + 1 :]], **given)


class Says(LocalHost):
    """A machine on which the program ends in a given way."""

    def __init__(self, code=0, out=b"", error=None):
        self._result, self._error = Result((), code, out, b"MemoryError"), error

    def run(self, argv, **given):
        if self._error is not None:
            raise self._error
        return self._result


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    hospital = furnished(tmp_path_factory.mktemp("hospital"))
    [path] = (hospital.settings.state / "reports").glob("*.json")
    return json.dumps(small(json.loads(path.read_bytes())["report"])).encode()


def run(host, report, folder):
    said = []
    paths = {name: folder / f"r.{name}" for name in FORMS}
    compliance_forms.make(SimpleNamespace(home=SimpleNamespace(host=host)), report, paths, said.append)  # fmt: skip
    return paths, said


def test_both_forms_are_made_and_only_the_console_may_read_them(report, tmp_path):
    paths, said = run(Here(), report, tmp_path)
    made = compliance_forms.made(paths)
    assert set(made) == set(FORMS)
    for name, data in made.items():
        assert data.startswith(FORMS[name].begins)
        assert paths[name].stat().st_mode & 0o777 == 0o640
    assert len(said) == 2
    assert all("bytes" in line for line in said)


@pytest.mark.parametrize(
    "host",
    [
        Says(code=1),
        Says(code=0, out=b"<html>no file of that form"),
        Says(code=0, out=b""),
        Says(error=CommandTimeout(command="systemd-run", limit=300)),
    ],
)
def test_a_form_that_cannot_be_made_is_missing_and_the_log_says_why(report, tmp_path, host):
    old = tmp_path / "r.pdf"
    old.write_bytes(b"%PDF-of an earlier try")
    paths, said = run(host, report, tmp_path)
    assert compliance_forms.made(paths) == {}
    assert not old.exists()
    assert all("not made" in line for line in said)


def test_the_unit_has_no_network_no_rights_and_an_end():
    argv = unit.argv("pdf")
    given = {argv[n + 1] for n, word in enumerate(argv) if word == "--property"}
    assert {"DynamicUser=yes", "PrivateNetwork=yes", "CapabilityBoundingSet=", "MemorySwapMax=0"} <= given  # fmt: skip
    assert any(one.startswith("RuntimeMaxSec=") for one in given)
    assert argv[-2:] == ["compliance.exports.process", "pdf"]
