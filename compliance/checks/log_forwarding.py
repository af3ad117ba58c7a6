"""rsyslog sends the node's log over TLS to a log store, with the store's certificate checked."""

import re

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

ACTION = re.compile(r"\baction\s*\(")
MODE = re.compile(r'streamdriver\.?mode\s*=\s*"1"')
LEGACY = re.compile(r"\$actionsendstreamdrivermode\s+1\b")


def judge(proofs: Answers) -> Judgement:
    """Judge the unit and its settings (both of rsyslog's forms are read)."""
    lines = [line.partition("#")[0] for line in proofs[1].lines()]
    text = " ".join(lines).lower()
    faults = []
    if proofs[0].out.strip() != "active":
        faults.append(Text("rsyslog 未运行", "rsyslog does not run"))
    if "omfwd" not in text and not any("@@" in line for line in lines):
        faults.append(Text("日志未转发到日志库", "the log goes to no log store"))
    if not _sealed(text):
        faults.append(Text("日志转发未用 TLS", "the log is not sent over TLS"))
    if "x509/name" not in text and "x509/certvalid" not in text:
        faults.append(Text("未校验日志库证书", "the store's certificate is not checked"))
    return weigh(faults, 4, Text("日志经 TLS 送往日志库", "The log goes to a store over TLS"))


def _sealed(text: str) -> bool:
    """Whether a driver for TLS is named and switched on (mode 1) wherever lines are sent: mode 0 is plain TCP."""
    if "gtls" not in text and "ossl" not in text:
        return False
    actions = [one.partition(")")[0] for one in ACTION.split(text)[1:]]
    sending = [one for one in actions if "omfwd" in one]
    modern = all(MODE.search(one) for one in sending)
    return modern and (bool(sending) or bool(LEGACY.search(text)))


CHECK = Check(
    id="log_forwarding",
    kind=Kind.HOST,
    title=Text("日志集中收集（rsyslog TLS）", "The log is collected centrally (rsyslog, TLS)"),
    items=("8.1.4.3.c", "8.1.5.4.d"),
    questions=(
        command("systemctl", "is-active", "rsyslog.service", ok=(0, 3, 4)),
        command("sh", "-c", "cat /etc/rsyslog.conf /etc/rsyslog.d/*.conf 2>/dev/null || true"),
    ),
    judge=judge,
)
