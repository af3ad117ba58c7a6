"""In PostgreSQL only its own account may do everything, and nobody can log in without having to."""

from appliance.errors import Text
from compliance.checks.asked import SETTINGS, psql
from compliance.checks.pg_settings import on_sqlite
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh

KNOWN = frozenset(("postgres", "root", "hbox-web", "hbox-inspect"))


def judge(proofs: Answers) -> Judgement:
    """Judge the roles that may log in, and what those may do."""
    away = on_sqlite(proofs[0])
    if away:
        return away
    roles = [line.split("|") for line in proofs[1].lines() if line.count("|") == 3]
    if not roles:
        return unknown(
            f"数据库没有回答：{proofs[1].out[:80]}",
            f"The database did not answer: {proofs[1].out[:80]}",
        )
    faults = []
    for name, superuser, create_role, create_db in roles:
        if name not in KNOWN:
            faults.append(Text(f"多余的可登录角色 {name}", f"a role too many: {name}"))
        elif name != "postgres" and "t" in (superuser, create_role, create_db):
            faults.append(Text(f"角色 {name} 权限过大", f"{name} may do too much"))
    return weigh(
        faults,
        1,
        Text(f"{len(roles)} 个登录角色，权限最小", f"{len(roles)} roles, least privilege"),
    )


CHECK = Check(
    id="pg_roles",
    kind=Kind.DB,
    title=Text("数据库角色最小权限", "Roles of the database"),
    items=("8.1.4.2.b", "8.1.4.2.c", "8.1.4.2.d"),
    questions=(
        SETTINGS,
        psql(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolcanlogin ORDER BY rolname"
        ),
    ),
    judge=judge,
)
