"""Account files and private keys are readable by nobody else."""

from appliance.errors import Text
from compliance.answers import Mode, modes
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

ACCOUNT_FILES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
WIDEST = {"/etc/passwd": 0o644, "/etc/group": 0o644, "/etc/shadow": 0o640, "/etc/gshadow": 0o640}
GROUPS = ("root", "shadow")
KEYS = command(
    "find", "/etc/ssh", "/var/lib/hbox/keys", "/var/lib/hbox/tls", "(", "-name", "*_key", "-o", "-name", "*.key",
    "-o", "-path", "/var/lib/hbox/keys", ")", "-printf", "%m %u %g %p\\n", ok=(0, 1),
)  # fmt: skip


def judge(proofs: Answers) -> Judgement:
    """Judge owner and mode of each file found."""
    files, keys = modes(proofs[0].out), modes(proofs[1].out)
    if len(files) < len(ACCOUNT_FILES) or not keys:
        return unknown("未能读到全部账户文件或密钥", "Not all account files or keys could be seen")
    loose = [
        one for one in files
        if one.user != "root" or one.group not in GROUPS or one.bits & ~WIDEST[one.path]
    ]  # fmt: skip
    loose += [one for one in keys if one.bits & _closed(one) or one.user != "root"]
    good = Text(
        f"{len(files)} 个账户文件与 {len(keys)} 个私钥（含目录）权限正确",
        f"{len(files)} account files, {len(keys)} keys",
    )
    return weigh([_fault(one) for one in loose], len(files) + len(keys), good)


def _closed(one: Mode) -> int:
    """Return the bits that must be off: the console's own account reads the key of its certificate."""
    console = one.path.startswith("/var/lib/hbox/tls/") and one.group == "hbox"
    return 0o037 if console else 0o077


def _fault(one: Mode) -> Text:
    shown = f"{one.path} {one.bits:04o} {one.user}:{one.group}"
    return Text(f"权限过宽 {shown}", f"too open: {shown}")


CHECK = Check(
    id="file_modes",
    kind=Kind.HOST,
    title=Text("账户文件与私钥权限", "Modes of account files and private keys"),
    items=("8.1.4.2.e",),
    questions=(command("stat", "-c", "%a %U %G %n", *ACCOUNT_FILES, ok=(0, 1)), KEYS),
    judge=judge,
)
