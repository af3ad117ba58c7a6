"""A hospital system's certificate: issued by the box's CA for the key in its request, and told by its pin."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.ca import Authority, fingerprint
from appliance.errors import BadInput
from controller.actions.peers import IssuePeer
from tests.unit.controller.workers.box import Box


@pytest.fixture
def box(tmp_path) -> Box:
    box = Box.new(tmp_path)
    Authority(tmp_path / "tls" / "ca.crt", box.settings.keys / "ca.key").ensure("测试医院")
    return box


def request(key) -> str:
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_certificate_and_pin_are_in_the_jobs_result(box):
    asked = request(ec.generate_private_key(ec.SECP256R1()))
    job = box.done("sue", IssuePeer("lis", "10.66.0.20", "tls", asked))
    assert job.state == "succeeded", job.error
    pem = job.result["certificate"].encode()
    assert job.result["fingerprint"] == fingerprint(pem)
    assert (box.folder / "peers" / "lis-tls.crt").read_bytes() == pem
    assert "PRIVATE" not in str(job.result)


def test_a_request_that_cannot_be_granted(box):
    for asked in ("junk", request(ec.generate_private_key(ec.SECP384R1()))):
        job = box.done("sue", IssuePeer("lis", "10.66.0.20", "tls", asked))
        assert (job.state, job.error["code"]) == ("failed", "ca.bad_request")
    assert not (box.folder / "peers").exists()


@pytest.mark.parametrize(
    "change", [{"address": "lis.local"}, {"tls": "none"}, {"name": "../x"}, {"request": ""}]
)
def test_what_can_never_be_right(change):
    with pytest.raises(BadInput):
        IssuePeer(
            **({"name": "lis", "address": "10.66.0.20", "tls": "tls", "request": "x"} | change)
        )
