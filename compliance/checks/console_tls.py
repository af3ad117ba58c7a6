"""Console and API speak TLS 1.2 or later under the box's own CA, and nothing older or plain."""

import re

from appliance.errors import Text
from compliance.evidence import Answers, Evidence
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import Command, command

PLACE = "127.0.0.1:8443"
CA = "/var/lib/hbox/tls/ca.crt"


def _handshake(*more: str) -> Command:
    # Exit 1 is the answer "no handshake"; the security level is lowered so that OpenSSL itself is
    # not what refuses the old versions.
    return command("openssl", "s_client", "-brief", "-connect", PLACE, *more, ok=(0, 1))


def judge(proofs: Answers) -> Judgement:
    """Judge one good handshake, two that must fail, and one plain request that must fail."""
    good, old, plain = proofs[0], proofs[1:3], proofs[3]
    if "connect:errno=111" in old[0].answer:
        return unknown("控制台未运行", "The console does not run")
    faults = []
    if not _version(good) or "Verification: OK" not in good.answer:
        faults.append(
            Text("不能用本机 CA 建立 TLS 1.2 以上连接", "no TLS 1.2+ handshake under the box's CA")
        )
    for proof in old:
        if "CONNECTION ESTABLISHED" in proof.answer:
            version = proof.asked.split()[-3]
            faults.append(
                Text(f"接受过时协议 {version}", f"an outdated protocol is accepted: {version}")
            )
    if re.match(r"[1-5]\d\d", plain.out) and not plain.out.startswith(("400", "000")):
        faults.append(Text("明文 HTTP 得到应答", "plain HTTP is answered"))
    shown = _version(good)
    return weigh(
        faults,
        2,
        Text(f"只接受 {shown}，明文与旧协议被拒", f"Only {shown}; plain and old are refused"),
    )


def _version(proof: Evidence) -> str:
    match = re.search(r"Protocol version: (TLSv1\.[23])", proof.answer)
    return match[1] if match else ""


CHECK = Check(
    id="console_tls",
    kind=Kind.CONTROLLER,
    title=Text("控制台只经 TLS 访问", "The console is reached by TLS only"),
    items=("8.1.2.2.a", "8.1.2.2.b", "8.1.4.1.c", "8.1.4.7.a", "8.1.4.8.a", "8.1.5.4.b"),
    questions=(
        _handshake("-verify_return_error", "-CAfile", CA),
        _handshake("-tls1", "-cipher", "ALL:@SECLEVEL=0"),
        _handshake("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
        command(
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--max-time",
            "5",
            f"http://{PLACE}/",
            ok=(0, 1, 7, 52, 56),
        ),
    ),
    judge=judge,
)
