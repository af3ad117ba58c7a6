"""Nobody gets in without logging in: unknown callers and wrong logins are refused, without a cookie."""

import json

from appliance.errors import Text
from compliance.answers import http_status
from compliance.checks.asked import API, curl
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh

# A name that no account has, so that no account is ever locked by being inspected.
NOBODY = json.dumps({"name": "hbox-inspect-nobody", "password": "not-a-password"})


def judge(proofs: Answers) -> Judgement:
    """Judge the status lines and headers of the three answers."""
    stranger, forged, wrong = proofs[0], proofs[1], proofs[2]
    faults = []
    for proof, zh, en in (
        (stranger, "未登录即可读取", "data can be read without logging in"),
        (forged, "伪造的会话被接受", "a forged session is accepted"),
        (wrong, "错误登录未被拒绝", "a wrong login is not refused"),
    ):
        status = http_status(proof.out)
        if not status:
            return unknown(f"应答无法解读：{proof.asked}", f"not an HTTP answer: {proof.asked}")
        if status not in (401, 403):
            faults.append(Text(f"{zh}（{status}）", f"{en} ({status})"))
    if "set-cookie:" in wrong.out.lower():
        faults.append(Text("错误登录得到会话", "a wrong login is given a session"))
    return weigh(
        faults,
        1,
        Text("未登录、伪造会话与错误登录均被拒绝", "Strangers and wrong logins are refused"),
    )


CHECK = Check(
    id="login_refusal",
    kind=Kind.CONTROLLER,
    title=Text("未经鉴别不得进入", "Nobody gets in without logging in"),
    items=("8.1.4.1.a", "8.1.5.1.a", "8.1.5.2.a", "8.1.5.3.a"),
    questions=(
        curl(f"{API}/vms"),
        curl("-H", "Cookie: __Host-hbox=forged", f"{API}/vms"),
        curl("-H", "Content-Type: application/json", "-d", NOBODY, f"{API}/login"),
    ),
    judge=judge,
)
