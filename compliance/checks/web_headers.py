"""The console tells browsers to keep to TLS, to run nothing foreign and to be framed by nobody; it names no version."""

import re

from appliance.errors import Text
from compliance.answers import http_status
from compliance.checks.asked import curl
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh


def judge(proofs: Answers) -> Judgement:
    """Judge the headers of the log-in page."""
    if not http_status(proofs[0].out):
        return unknown("应答不是 HTTP", "not an HTTP answer")
    head = proofs[0].out.replace("\r", "").partition("\n\n")[0]
    named = [line.partition(":")[::2] for line in head.splitlines()[1:]]
    held = {name.strip().lower(): value.strip() for name, value in named}
    policy = held.get("content-security-policy", "")
    framed = held.get("x-frame-options") != "DENY" and "frame-ancestors 'none'" not in policy
    told = (
        ("max-age" not in held.get("strict-transport-security", ""), "缺少 HSTS", "no HSTS"),
        ("default-src" not in policy, "没有内容安全策略", "no content policy"),
        (
            bool(re.search(r"script-src[^;]*'unsafe-inline'", policy)),
            "允许内联脚本",
            "scripts may stand inline",
        ),
        (held.get("x-content-type-options") != "nosniff", "未禁止类型猜测", "types may be guessed"),
        (framed, "可被嵌入其他页面", "it may be framed"),
        (
            bool(re.search(r"\d+\.\d+", held.get("server", ""))),
            "泄露服务器版本",
            "the server tells its version",
        ),
        (
            any(_open(value) for name, value in named if name.lower() == "set-cookie"),
            "Cookie 缺少 Secure 或 HttpOnly",
            "a cookie without Secure or HttpOnly",
        ),
    )
    faults = [Text(zh, en) for wrong, zh, en in told if wrong]
    return weigh(
        faults, 5, Text("安全响应头齐全，不泄露版本", "All security headers, no version told")
    )


def _open(cookie: str) -> bool:
    return not {"secure", "httponly"} <= set(re.findall(r"\w+", cookie.lower()))


CHECK = Check(
    id="web_headers",
    kind=Kind.CONTROLLER,
    title=Text("控制台安全响应头", "Security headers of the console"),
    items=("8.1.4.4.d",),
    questions=(curl("https://127.0.0.1:8443/login"),),
    judge=judge,
)
