"""What is wrongly formed is refused at the door, and never brings the controller down."""

from appliance.errors import Text
from compliance.answers import http_status
from compliance.checks.asked import API, curl
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh


def judge(proofs: Answers) -> Judgement:
    """Each probe must be refused with a status of its own (4xx); 2xx is taken in, 5xx is a breakdown."""
    faults = []
    for proof in proofs:
        status = http_status(proof.out)
        if not status:
            return unknown(f"应答无法解读：{proof.asked}", f"not an HTTP answer: {proof.asked}")
        if not 400 <= status < 500:
            faults.append(Text(f"错误输入得到 {status}", f"wrong input was answered {status}"))
    return weigh(
        faults,
        len(proofs),
        Text(f"{len(proofs)} 种错误输入均被拒绝", f"{len(proofs)} kinds of wrong input refused"),
    )


CHECK = Check(
    id="input_refusal",
    kind=Kind.CONTROLLER,
    title=Text("输入校验", "Input is validated"),
    items=("8.1.4.4.d",),
    questions=(
        curl("-H", "Content-Type: application/json", "-d", '{"name": ', f"{API}/login"),
        curl(
            "-H",
            "Content-Type: application/json",
            "-d",
            '{"name": 7, "password": []}',
            f"{API}/login",
        ),
        curl(
            "-H",
            "Content-Type: application/json",
            "-d",
            '{"nobody": "asked for this"}',
            f"{API}/login",
        ),
        curl(
            "-H",
            "Content-Type: text/xml",
            "-d",
            "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
            f"{API}/login",
        ),
        curl("--path-as-is", "https://127.0.0.1:8443/static/../../../../etc/passwd"),
        curl(f"{API}/vms/%27%20OR%201=1--"),
    ),
    judge=judge,
)
