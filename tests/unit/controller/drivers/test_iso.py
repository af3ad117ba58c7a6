"""The image that we write is what another program reads: names, label, contents, to the byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import BadInput
from appliance.host import LocalHost
from controller.drivers.iso import image

SEED = {"meta-data": b"instance-id: x\n", "user-data": b"#cloud-config\n" * 500, "empty": b""}


def test_xorriso_reads_every_file_and_the_label(tmp_path):
    made = tmp_path / "seed.iso"
    made.write_bytes(image("cidata", SEED))
    out = tmp_path / "out"
    told = LocalHost().run(
        [
            "xorriso",
            "-joliet",
            "on",
            "-osirrox",
            "on",
            "-indev",
            str(made),
            "-pvd_info",
            "-extract",
            "/",
            str(out),
        ]
    )
    assert b"cidata" in told.out + told.err
    assert {file.name: file.read_bytes() for file in out.iterdir()} == SEED


def test_the_kernels_own_library_finds_the_label(tmp_path):
    made = tmp_path / "seed.iso"
    made.write_bytes(image("cidata", SEED))
    told = LocalHost().run(["blkid", "-p", "-o", "export", str(made)]).text
    assert "LABEL=cidata" in told
    assert "TYPE=iso9660" in told


def test_the_same_files_make_the_same_image_whatever_their_order():
    assert image("cidata", SEED) == image("cidata", dict(reversed(SEED.items())))


@pytest.mark.parametrize("name", ["", "a/b", "a\0", "x" * 65, "a;1", "\U0001f600", "a\\b"])
def test_names_that_cannot_be_written_are_refused(name):
    with pytest.raises(BadInput):
        image("cidata", {name: b""})


@pytest.mark.parametrize("label", ["", "x" * 17, "标签"])
def test_labels_that_cannot_be_written_are_refused(label):
    with pytest.raises(BadInput):
        image(label, {})


def test_two_names_that_become_one_and_too_many_names_are_refused():
    with pytest.raises(BadInput):
        image("x", {"a-b": b"", "a_b": b""})
    with pytest.raises(BadInput):
        image("x", {f"file-{n:03}": b"" for n in range(60)})


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,12}", fullmatch=True), st.binary(max_size=5000), max_size=6
    )
)
def test_each_file_lies_whole_where_its_record_says(files):
    made = image("x", files)
    assert len(made) % 2048 == 0
    for content in files.values():
        assert content in made
