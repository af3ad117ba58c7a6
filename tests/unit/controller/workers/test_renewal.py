"""The legs' certificates are made once, renewed when they go, and the gateway is told only then."""

import pytest

from appliance.ca import Authority
from controller.workers.gateway import renew_certificates
from tests.unit.controller.workers.box import Box


@pytest.fixture
def box(tmp_path) -> Box:
    box = Box.new(tmp_path)
    authority = Authority(box.folder / "tls" / "ca.crt", box.settings.keys / "ca.key")
    authority.ensure("测试医院")
    return box


def test_made_once_and_again_when_one_is_gone(box):
    renew_certificates(box.site)
    names = {path.name for path in box.settings.keys.glob("*.crt")}
    assert {"front-tls.crt", "front-sm.crt", "back-tls.crt", "back-sm.crt"} <= names
    assert box.asked == [("restart", "hbox-gateway.service")]
    for path in box.settings.keys.glob("*-*.key"):
        assert path.stat().st_mode & 0o077 == 0, path
    renew_certificates(box.site)
    assert len(box.asked) == 1
    (box.settings.keys / "back-sm.crt").unlink()
    renew_certificates(box.site)
    assert len(box.asked) == 2
