"""Logging in to the console takes a second factor (a one-time code beside the password)."""

from appliance.errors import Text
from compliance.checks.asked import PYTHON
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

# Names under which a second proof can be told. `new_password` is none.
SECOND = ("otp", "totp", "code", "second", "factor", "webauthn", "passkey")


def judge(proofs: Answers) -> Judgement:
    """Judge the fields that a log-in takes, as the running console itself describes them."""
    second = [name for name in proofs[0].lines() if any(word in name for word in SECOND)]
    shown = ",".join(second)
    faults = (
        [] if second else [Text("控制台登录只有口令", "the console's log-in takes a password only")]
    )
    return weigh(faults, 1, Text(f"登录有第二因素：{shown}", f"A second factor: {shown}"))


CHECK = Check(
    id="second_factor",
    kind=Kind.CONTROLLER,
    title=Text("管理平台双因素鉴别", "Two-factor login to the console"),
    items=("8.1.4.1.d",),
    questions=(command(PYTHON, "-I", "-m", "compliance.login_form"),),
    judge=judge,
)
