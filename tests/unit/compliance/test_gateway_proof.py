"""The inspector checks the signature of a proof as the prover makes it today: facts and keys are under it."""

import json

import pytest

from appliance.clock import iso
from appliance.host import Result
from appliance.signing import SigningKey
from appliance.sm2 import Sm2Key
from compliance.checks.gateway_proof import CHECK
from compliance.engine import judge
from compliance.evidence import Answer, Evidence, Status
from network.gateway.prove import prove, render

FOUND = {
    "probe": "tcp4",
    "source": "front",
    "target": "back",
    "verdict": "refused",
    "evidence": "e",
}


class Probed:
    """A machine on which the probes have just found this."""

    name = "probed"

    def run(self, argv, **_more):
        told = {"findings": [FOUND], "facts": {"kernel": "Linux", "share": 0.1}}
        return Result(tuple(argv), 0, json.dumps(told).encode(), b"")


def verdict(document, key):
    texts = (json.dumps([{"document": json.dumps(document)}]), key.public.pem.decode())
    proofs = tuple(
        Evidence.of(question.asked, Answer(text, Status.ANSWERED), at=iso(), where="n")
        for question, text in zip(CHECK.questions, texts, strict=True)
    )
    return str(judge(CHECK, proofs).verdict)


@pytest.mark.parametrize("sm2", [None, Sm2Key.new()], ids=["Ed25519", "with SM2"])
def test_a_true_proof_conforms_and_an_altered_one_does_not(sm2):
    key = SigningKey.new()
    document = json.loads(render(prove(key, host=Probed(), sm2=sm2)))
    assert verdict(document, key) == "conform"
    assert verdict({**document, "facts": {"kernel": "another"}}, key) == "violated"
    assert verdict({**document, "findings": [{**FOUND, "target": "sys"}]}, key) == "violated"
    assert verdict(document, SigningKey.new()) == "violated"
