"""`hbox gateway prove`: every way across that we know of is tried, and the outcome is signed."""

import json
import sys
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from appliance.canonical import canonical
from appliance.clock import iso
from appliance.errors import Unavailable
from appliance.host import Host, LocalHost
from appliance.signing import SigningKey, VerifyKey
from appliance.sm2 import Sm2Key, Sm2PublicKey
from network.gateway.layout import Layout
from network.gateway.probing import Finding

LEVEL = "L1"
LEVEL_MEANS = {
    "zh": "L1：同一内核上的命名空间隔离。这是软件交换网关，不是经认证的网闸；内核或宿主机 root 被攻破即失效。",
    "en": "L1: namespaces on one kernel. A software exchange gateway, not a certified air-gap device; "
    "it does not hold against a broken kernel or root on the host.",
}


@dataclass(frozen=True)
class Proof:
    """What was tried and seen at `at` (RFC 3339 UTC); both signatures (hex) are over all the rest.

    `facts` says of what it was seen: kernel, policy, and rights and filter of each process. `key` and
    `sm2_key` are the keys' fingerprints; without an SM2 key its two are empty.
    """

    level: str
    at: str
    findings: tuple[Finding, ...]
    key: str
    signature: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    sm2_key: str = ""
    sm2: str = ""

    @property
    def holds(self) -> bool:
        """Whether every probe was refused; an unknown one is no refusal."""
        return bool(self.findings) and all(f.verdict == "refused" for f in self.findings)


def prove(
    key: SigningKey,
    layout: Layout | None = None,
    host: Host | None = None,
    sm2: Sm2Key | None = None,
) -> Proof:
    """Probe the running gateway, in about half a minute, and sign what was seen; needs root.

    Raises:
        Unavailable: the gateway does not run, or the probes could not be made.
    """
    with tempfile.TemporaryDirectory(prefix="hbox-prove-") as folder:
        file = Path(folder) / "layout.json"
        file.write_bytes(TypeAdapter(Layout).dump_json(layout or Layout()))
        argv = [sys.executable, "-I", "-m", "network.gateway.probing", "--layout", str(file)]
        done = (host or LocalHost()).run(argv, timeout=300.0, check=False)
    if done.code != 0:
        raise Unavailable(what="gateway prove", why=done.err.decode("utf-8", "replace")[-500:])
    told = json.loads(done.out)
    found = tuple(Finding(**one) for one in told["findings"])
    unsigned = Proof(
        LEVEL, iso(), found, key.public.fingerprint, facts=told["facts"],
        sm2_key=sm2.public.fingerprint if sm2 else "",
    )  # fmt: skip
    said = _statement(unsigned)
    return replace(
        unsigned, signature=key.sign(said).hex(), sm2=sm2.sign(said).hex() if sm2 else ""
    )


def check(proof: Proof, key: VerifyKey, sm2: Sm2PublicKey | None = None) -> None:
    """Raise `BadSignature` unless `key`, and `sm2` if given, signed this proof."""
    said = _statement(proof)
    key.verify(bytes.fromhex(proof.signature), said, what="gateway proof")
    if sm2 is not None:
        sm2.verify(bytes.fromhex(proof.sm2), said, what="gateway proof (SM2)")


def render(proof: Proof) -> bytes:
    """Return the proof as JSON, with the meaning of its level."""
    return json.dumps(
        {**asdict(proof), "holds": proof.holds, "level_means": LEVEL_MEANS},
        ensure_ascii=False,
        indent=1,
    ).encode()


def _statement(proof: Proof) -> bytes:
    told = asdict(proof)
    del told["signature"], told["sm2"]
    return canonical(told)
