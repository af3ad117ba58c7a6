"""Logging in to the console takes a second factor: the form has it, the policy demands it, people have one."""

import tomllib
from typing import Any

from appliance.errors import Text
from appliance.settings import Settings
from compliance.answers import rows
from compliance.checks.asked import PYTHON, SETTINGS
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command, sql

# Names under which a second proof can be told. `new_password` is none.
SECOND = ("otp", "totp", "code", "second", "factor", "webauthn", "passkey")
ADMINISTRATORS = ("system", "security", "audit")


def judge(proofs: Answers) -> Judgement:
    """Judge the fields of a log-in, the setting, and who can come in with a password alone."""
    second = [name for name in proofs[0].lines() if any(word in name for word in SECOND)]
    if not second:
        only = Text("控制台登录只有口令", "the console's log-in takes a password only")
        return weigh([only], 1, only)
    required = _policy(proofs[1].out) == "required"
    faults = []
    if not required:
        faults.append(
            Text("未强制管理员使用动态口令", "the administrators need not have a second factor")
        )
    # Who has none and must have one cannot come in before binding it.
    alone = [
        str(row["name"])
        for row in rows(proofs[2].out)
        if not row["factor"] and not (required and row["role"] in ADMINISTRATORS)
    ]
    if alone:
        names = "、".join(alone)
        faults.append(Text(f"仅凭口令即可登录：{names}", f"come in by password alone: {names}"))
    shown = ",".join(second)
    good = Text(
        f"登录有第二因素（{shown}），策略为强制，无人仅凭口令登录",
        f"A second factor ({shown}), demanded; nobody comes in by password alone",
    )
    return weigh(faults, 2, good)


def _policy(text: str) -> Any:
    return tomllib.loads(text).get("second_factor", Settings.second_factor)


CHECK = Check(
    id="second_factor",
    kind=Kind.CONTROLLER,
    title=Text("管理平台双因素鉴别", "Two-factor login to the console"),
    items=("8.1.4.1.d",),
    questions=(
        command(PYTHON, "-I", "-m", "compliance.login_form"),
        SETTINGS,
        sql(
            "SELECT name, role, factor_at IS NOT NULL AS factor FROM accounts "
            "WHERE NOT disabled AND password_hash IS NOT NULL ORDER BY name"
        ),
    ),
    judge=judge,
)
