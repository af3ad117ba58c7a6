"""The posts of system, security and audit administrator are held, each by people who hold no other."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

POSTS = ("system", "security", "audit")


def judge(proofs: Answers) -> Judgement:
    """Judge who holds which post and whether its holders ever came; full time is for a person to see."""
    active = [row for row in rows(proofs[0].out) if not row["disabled"]]
    came = {row["actor"] for row in rows(proofs[1].out)}
    faults = []
    for post in POSTS:
        holders = [row["name"] for row in active if row["role"] == post]
        if not holders:
            faults.append(Text(f"{post} 管理员岗位空缺", f"nobody is {post} administrator"))
        elif not came & set(holders):
            faults.append(
                Text(f"{post} 管理员从未履职", f"no {post} administrator has ever done anything")
            )
    people = [str(row["unix_user"]) for row in active if row["unix_user"] and row["role"] in POSTS]
    faults += [
        Text(f"系统用户 {one} 兼任管理员岗位", f"{one} holds two posts")
        for one in sorted(set(people))
        if people.count(one) > 1
    ]
    return weigh(
        faults,
        len(POSTS),
        Text("三员岗位齐备且互斥", "The three posts are held, by different people"),
    )


CHECK = Check(
    id="posts",
    kind=Kind.CONTROLLER,
    title=Text("三员岗位配备", "The three administrators' posts are held"),
    items=("8.1.7.1.c", "8.1.7.2.a", "8.1.7.2.b"),
    questions=(
        sql("SELECT name, role, unix_user, disabled FROM accounts ORDER BY name"),
        sql(
            "SELECT DISTINCT actor FROM audit WHERE outcome IN ('submitted', 'done') ORDER BY actor"
        ),
    ),
    judge=judge,
)
