"""Console passwords run out: the setting says when, and none is in use that nobody dated or changed in time."""

import datetime as dt
import tomllib

from appliance.clock import read_iso
from appliance.errors import Text
from appliance.settings import Settings
from compliance.answers import rows
from compliance.checks.asked import SETTINGS
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

LONGEST = 90  # days; a testing body's level-3 handbook


def judge(proofs: Answers) -> Judgement:
    """Judge the setting, and who logged in with a password that had run out by then."""
    days = tomllib.loads(proofs[0].out).get("password_days", Settings.password_days)
    faults = []
    if not 0 < days <= LONGEST:
        faults.append(Text(f"口令 {days} 天才到期", f"passwords run out after {days} days only"))
    # One that has run out lets nobody in before it is changed; a session may outlive it by hours.
    undated = [str(row["name"]) for row in rows(proofs[1].out) if not row["password_at"]]
    late = [str(row["name"]) for row in rows(proofs[2].out) if _late(row, days)]
    if undated:
        names = "、".join(undated)
        faults.append(Text(f"口令日期未知：{names}", f"nobody knows how old: {names}"))
    if late:
        names = "、".join(late)
        faults.append(
            Text(f"口令到期后仍有会话：{names}", f"sessions on a password run out: {names}")
        )
    good = Text(f"口令 {days} 天到期，须更换后才能登录", f"Passwords run out after {days} days")
    return weigh(faults, 1, good)


def _late(row: dict[str, object], days: int) -> bool:
    if not row["password_at"]:
        return False
    age = read_iso(str(row["began_at"])) - read_iso(str(row["password_at"]))
    return age > dt.timedelta(days=days, minutes=1)


CHECK = Check(
    id="console_passwords",
    kind=Kind.CONTROLLER,
    title=Text("管理平台口令定期更换", "Console passwords are changed in time"),
    items=("8.1.4.1.a",),
    questions=(
        SETTINGS,
        sql(
            "SELECT name, password_at FROM accounts "
            "WHERE NOT disabled AND password_hash IS NOT NULL ORDER BY name"
        ),
        sql(
            "SELECT a.name, a.password_at, l.began_at FROM logins l "
            "JOIN accounts a ON a.id = l.account_id WHERE a.password_hash IS NOT NULL ORDER BY a.name"
        ),
    ),
    judge=judge,
)
