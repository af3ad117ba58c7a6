"""Uploads that are not what was asked for: refused, and nothing of them is kept."""

import hashlib

import pytest

from appliance.errors import BadInput, BoxError
from appliance.sdk.trust import VendorKey
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller.actions.modules import TrustVendor
from controller.workers.bundles import Shelf

NAME = "0b7f1c1e-9a44-4a52-8f0e-1d6a5f3c2b10.hmod"
JUNK = b"not a bundle" * 100


@pytest.fixture
def shelf(tmp_path):
    (tmp_path / "uploads").mkdir()
    return Shelf(Settings(state=tmp_path, module_limit=4096))


def refused(shelf, name=NAME) -> str:
    with pytest.raises(BoxError) as caught:
        shelf.take_in(name, hashlib.sha256(JUNK).hexdigest(), "appointment")
    assert not list((shelf.settings.state / "modules").glob("bundles/*.hmod"))
    return caught.value.code


def test_an_upload_that_is_not_there(shelf):
    assert refused(shelf) == "object.not_found"


def test_a_file_outside_the_uploads(shelf):
    (shelf.settings.state / "secret").write_bytes(JUNK)
    assert refused(shelf, "../secret") == "object.not_found"


def test_a_link_is_not_followed(shelf):
    (shelf.settings.state / "secret").write_bytes(JUNK)
    (shelf.settings.state / "uploads" / NAME).symlink_to(shelf.settings.state / "secret")
    assert refused(shelf) == "object.not_found"


def test_a_file_over_the_limit(shelf):
    (shelf.settings.state / "uploads" / NAME).write_bytes(b"x" * 5000)
    assert refused(shelf) == "module.other_file"


def test_junk(shelf):
    (shelf.settings.state / "uploads" / NAME).write_bytes(JUNK)
    assert refused(shelf).startswith("module.")


def test_trust_is_a_file_of_the_box(shelf):
    key = VendorKey("hbox", SigningKey.new().public.pem.decode(), ("appointment",))
    shelf.trust(key)
    shelf.trust(key)
    assert shelf.trusted().keys == (key,)
    shelf.distrust(key.fingerprint)
    shelf.distrust(key.fingerprint)
    assert shelf.trusted().keys == ()


def test_a_key_that_could_not_be_read_again_is_not_trusted(shelf):
    """It would end all trust: the file would be unreadable, also for taking the key back."""
    good = VendorKey("hbox", SigningKey.new().public.pem.decode(), ("appointment",))
    shelf.trust(good)
    bad = VendorKey("hbox", SigningKey.new().public.pem.decode(), ("his*",))
    with pytest.raises(BoxError):
        shelf.trust(bad)
    assert shelf.trusted().keys == (good,)


@pytest.mark.parametrize("ids", ["his*", "h", "a" * 40, "his-*,x*"])
def test_ids_that_no_trust_file_takes_cannot_be_asked_for(ids):
    with pytest.raises(BadInput):
        TrustVendor("hbox", SigningKey.new().public.pem.decode(), ids)
