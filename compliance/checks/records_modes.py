"""The database of the records is closed to everybody but the accounts of the box that need it."""

from appliance.errors import Text
from compliance.answers import modes
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

OWNERS = ("root", "hbox-web", "postgres")
GROUPS = ("hbox", "root", "postgres")
FOLDERS = ("/var/lib/hbox/db", "/var/lib/postgresql")


def judge(proofs: Answers) -> Judgement:
    """Judge owner, group and mode of the folder and of each file, SQLite's or PostgreSQL's."""
    found = modes(proofs[0].out)
    if not found:
        return unknown("看不到数据库文件", "No file of a database can be seen")
    loose = [
        one
        for one in found
        if one.bits & 0o007 or one.user not in OWNERS or one.group not in GROUPS
    ]
    faults = [
        Text(
            f"数据库文件权限 {one.path} {one.bits:04o} {one.user}",
            f"{one.path} {one.bits:04o} {one.user}",
        )
        for one in loose
    ]
    return weigh(
        faults,
        len(found),
        Text(f"{len(found)} 个数据库文件不对他人开放", f"{len(found)} files, closed to others"),
    )


CHECK = Check(
    id="records_modes",
    kind=Kind.DB,
    title=Text("数据库文件权限", "Modes of the database's files"),
    items=("8.1.4.2.e", "8.1.4.2.f", "8.1.4.4.c"),
    questions=(
        command(
            "find", "/var/lib/hbox/db", "/var/lib/postgresql", "-mindepth", "1", "-maxdepth", "4",
            "(", "-path", "*/base/*", "-o", "-name", ".*", ")", "-prune", "-o",
            "(", "-type", "f", "-path", "/var/lib/hbox/*", "-o", "-path", "/var/lib/postgresql/*/hbox*", ")",
            "-printf", "%m %u %g %p\\n", ok=(0, 1),
        ),
    ),
    judge=judge,
)  # fmt: skip
