"""`hbox compliance verify` on a laptop: the report, and whatever of it lies beside, checked without a box."""

import argparse
import json
import subprocess
import sys

import jsonschema
import pytest

from appliance.errors import NotFound
from compliance import commands, report, schema
from compliance.exports.xlsx import xlsx
from compliance.verify import BadReport, verify
from tests.unit.compliance.small import small

PDF = b"%PDF-1.7 stands for one"


@pytest.fixture(scope="module")
def files(plain, key, tmp_path_factory):
    """A folder as an auditor gets it: the report in all its forms, and the box's public key."""
    folder = tmp_path_factory.mktemp("handed")
    made = {"xlsx": xlsx(small(plain)), "pdf": PDF}
    envelope = report.sign(plain, key, made)
    (folder / "r.json").write_text(json.dumps(envelope, ensure_ascii=False))
    (folder / "r.html").write_text(report.html(plain))
    for form, data in made.items():
        (folder / f"r.{form}").write_bytes(data)
    (folder / "box.pub").write_bytes(key.public.pem)
    return folder


def asked(*words):
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers())
    args = parser.parse_args(["verify", *map(str, words)])
    return args.run(args)


def test_all_that_lies_beside_is_checked_and_named(files, capsys):
    assert asked(files / "r.json", "--key", files / "box.pub") == 0
    out = capsys.readouterr().out
    for form in ("html", "xlsx", "pdf"):
        assert str(files / f"r.{form}") in out


@pytest.mark.parametrize("form", ["html", "xlsx", "pdf"])
def test_a_file_that_was_changed_is_found_under_any_name(files, tmp_path, form):
    changed = tmp_path / "elsewhere"
    changed.write_bytes((files / f"r.{form}").read_bytes() + b" ")
    with pytest.raises(BadReport) as caught:
        asked(files / "r.json", "--key", files / "box.pub", f"--{form}", changed)
    assert form in caught.value.message.en
    with pytest.raises(NotFound):
        asked(files / "r.json", f"--{form}", tmp_path / "gone")


def test_an_envelope_with_all_forms_keeps_the_published_schema(files):
    jsonschema.validate(json.loads((files / "r.json").read_text()), json.loads(schema.text()))


def test_what_was_not_signed_is_no_part_of_the_report(plain, key):
    envelope = json.dumps(report.sign(plain, key)).encode()
    with pytest.raises(BadReport):
        verify(envelope, key.public, None, {"pdf": PDF})


def test_a_form_put_into_the_envelope_afterwards_breaks_the_signature(plain, key):
    envelope = report.sign(plain, key)
    envelope["pdf_sha256"] = "0" * 64
    with pytest.raises(BadReport):
        verify(json.dumps(envelope).encode(), key.public)


def test_verifying_needs_none_of_the_boxs_libraries():
    asks = "import sys, compliance.commands; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.decode().split()}
    assert not loaded & {"openpyxl", "weasyprint", "flask", "sqlalchemy", "orjson", "nh3"}
