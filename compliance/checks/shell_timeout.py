"""A shell left alone ends: TMOUT is set for everybody, read-only, at most 15 minutes."""

import re

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Judge TMOUT in the system-wide profiles."""
    values = [int(v) for v in re.findall(r"^[^#\n]*\bTMOUT=(\d+)", proofs[0].out, re.MULTILINE)]
    faults = []
    if re.search(r"^[^#\n]*\bunset\b[^#\n]*\bTMOUT\b", proofs[0].out, re.MULTILINE):
        faults.append(Text("TMOUT 又被取消（unset）", "TMOUT is taken away again (unset)"))
    if not values or not 0 < values[-1] <= 900:
        faults.append(Text("未设置 15 分钟内的 TMOUT", "no TMOUT of at most 15 minutes"))
    return weigh(
        faults, 1, Text(f"空闲 {values[-1:]} 秒后退出", f"idle shells end after {values[-1:]} s")
    )


CHECK = Check(
    id="shell_timeout",
    kind=Kind.HOST,
    title=Text("终端空闲超时退出", "Idle shells end"),
    items=("8.1.4.1.b",),
    questions=(
        command(
            "grep",
            "-rhs",
            "TMOUT",
            "/etc/profile",
            "/etc/profile.d",
            "/etc/bash.bashrc",
            ok=(0, 1, 2),
        ),
    ),
    judge=judge,
)
