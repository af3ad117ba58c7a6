"""A console session ends after at most 15 idle minutes."""

import tomllib

from appliance.errors import Text
from appliance.settings import Settings
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File

LONGEST = 900  # seconds; a testing body's level-3 handbook says 10 to 15 minutes


def judge(proofs: Answers) -> Judgement:
    """Judge the setting (its default when not set)."""
    chosen = tomllib.loads(proofs[0].out)
    idle = chosen.get("session_idle", Settings.session_idle)
    whole = chosen.get("session_absolute", Settings.session_absolute)
    faults = []
    if not 0 < idle <= LONGEST:
        faults.append(Text(f"空闲 {idle} 秒才退出", f"sessions end after {idle} idle seconds only"))
    if not 0 < whole <= 43200:
        faults.append(Text(f"会话最长 {whole} 秒", f"sessions live for {whole} s"))
    return weigh(
        faults, 1, Text(f"空闲 {idle} 秒、最长 {whole} 秒", f"{idle} s idle, {whole} s in all")
    )


CHECK = Check(
    id="session_idle",
    kind=Kind.CONTROLLER,
    title=Text("会话超时", "Sessions time out"),
    items=("8.1.4.1.b",),
    questions=(File("/etc/hbox/hbox.toml"),),
    judge=judge,
)
