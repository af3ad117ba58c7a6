"""`hbox records`: export, restore, the recovery key, the copies on this node. Run as root on the node."""

import argparse
import getpass
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.errors import BadInput, Conflict, Text
from appliance.secret import Secret
from appliance.settings import Settings, load
from controller.cli.algorithms import NeedsRoot
from controller.cli.follow import code, follow
from controller.cli.form import Verbs, box, command
from controller.cli.output import show

if TYPE_CHECKING:
    from appliance.sealing import Lock

_RESTORED = (
    ("来自节点 of the node", "origin.node"),
    ("时间 as of", "origin.at"),
    ("行数 rows", "rows"),
    ("审计链 audit entries", "chain.entries"),
    ("封印 seals", "chain.seals"),
    ("附件 attachments", "attachments"),
    ("缺失的附件 attachments that lack", "lack"),
    ("原状态存于 what was here", "aside"),
)
_COPIES = (
    ("时间 at", "at"),
    ("节点 node", "node"),
    ("审计条数 entries", "entries"),
    ("文件 file", "path"),
)
_MADE = (
    ("节点 node", "node"),
    ("时间 at", "at"),
    ("审计条数 entries", "entries"),
    ("文件 file", "file"),
    ("附件 attachments", "attachments"),
)


_STEPS = (("步骤", "zh"), ("step", "en"))
_MOVED = (
    ("数据库 database", "database"),
    ("行数 rows", "rows"),
    ("审计链 audit chain", "chain.holds"),
    ("原库 the former file", "aside"),
)


_TAKEN = (
    ("控制节点 home", "home"),
    ("原控制节点 the former home", "former"),
    ("尚未更新 not told yet", "missed"),
)


class NotSaid(Conflict):
    """Nobody has said that the former home node is off."""

    code = "records.not_said"
    text = Text(
        "接管前须确认原控制节点已断电或隔离",
        "Before a takeover: is the former home node off, or cut off?",
    )
    hint = Text(
        "确认后加上 --former-home-is-off；两个控制器不得同时运行。",
        "Once it is, add --former-home-is-off. Two controllers must never run at once.",
    )


class FileThere(Conflict):
    """The file that was to be written is there already."""

    code = "records.file_there"
    text = Text("文件已存在：{path}", "The file is there already: {path}")
    hint = Text("请换一个文件名。", "Choose another name.")


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox records`."""
    made = command(
        verbs, "export", "导出全部记录与密钥 all records and keys into one file", _export
    )
    made.add_argument("file", type=Path, help="新文件 a new file")
    _secret(made, "--passphrase-file", "口令文件 file with the passphrase (default: asked for)")
    back = command(verbs, "restore", "从文件或副本恢复 bring the records back", _restore)
    back.add_argument("file", type=Path, nargs="?", help="导出文件或副本 exported file or copy")
    back.add_argument(
        "--from-copies", action="store_true", help="本节点最新副本 the newest copy on this node"
    )
    _secret(back, "--passphrase-file", "口令文件 file with the passphrase (default: asked for)")
    _secret(back, "--key-file", "恢复密钥文件 file with the recovery key (default: asked for)")
    back.add_argument(
        "--leave-attachments",
        action="store_true",
        help="略去缺失或损坏的附件 go on without attachments that are missing or damaged",
    )
    over = command(
        verbs,
        "takeover",
        "控制节点已毁：由本节点接管 the home node is lost: take over here",
        _takeover,
    )
    over.add_argument(
        "--former-home-is-off",
        action="store_true",
        help="确认原控制节点已断电或隔离 I have seen to it that the former home node is off",
    )
    _secret(over, "--key-file", "恢复密钥文件 file with the recovery key (default: asked for)")
    other = command(verbs, "move", "换数据库 to PostgreSQL, or back to SQLite", _move)
    other.add_argument("goal", choices=("postgresql", "sqlite"), help="目标 where to")
    other.add_argument("--dry-run", action="store_true", help="只显示步骤 only show the steps")
    command(verbs, "key", "生成恢复密钥，只显示一次 make the recovery key; shown once", _key)
    command(verbs, "copies", "本节点上的记录副本 copies on this node", _copies)


def _secret(made: argparse.ArgumentParser, name: str, text: str) -> None:
    made.add_argument(name, type=Path, help=text)


def _export(args: argparse.Namespace) -> None:
    from controller.records.session import open_records
    from controller.workers.records_export import note, pack
    from controller.workers.records_papers import AttachmentsLack, which

    settings = _as_root("export")
    if args.file.exists():
        raise FileThere(path=args.file)
    lock = _passphrase(args.passphrase_file, twice=True)
    fresh = args.file.with_name(f".{args.file.name}.new")
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            engine = open_records(settings.database)
            packed = pack(settings, engine, file, lock)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(args.file)
        note(engine, packed.origin)
    finally:
        fresh.unlink(missing_ok=True)
    taken = len(packed.attachments) - len(packed.lack)
    made = {**asdict(packed.origin), "file": str(args.file), "attachments": taken}
    show(made, args.format, _MADE)
    if packed.lack:
        raise AttachmentsLack(count=len(packed.lack), which=which(packed.lack))


def _restore(args: argparse.Namespace) -> None:
    from appliance.sealing import RecoveryKey
    from controller.workers import records_copies as copies
    from controller.workers.records_papers import Offered
    from controller.workers.records_papers import beside as papers_beside
    from controller.workers.records_restore import restore

    settings = _as_root("restore")
    if (args.file is None) != args.from_copies:
        raise BadInput(
            what="FILE", why="文件与 --from-copies 二选一 either a file or --from-copies"
        )
    path = copies.newest(settings).path if args.from_copies else args.file
    if not path.is_file():
        raise BadInput(what=str(path), why="没有该文件 no such file")
    if copies.is_copy(path):
        key = RecoveryKey.read(_read(args.key_file, "恢复密钥 recovery key: "))
        beside = Offered(papers_beside(path.parent, key), args.leave_attachments)
        done = restore(settings, copies.uncover(path.read_bytes(), key), key, _say, beside)
    else:
        lock = _passphrase(args.passphrase_file)
        with path.open("rb") as file:
            done = restore(settings, file, lock, _say, Offered(leave=args.leave_attachments))
    show({**asdict(done), "lack": list(done.lack)}, args.format, _RESTORED)
    _say(_NEXT if done.here else _STRANGER)


def _takeover(args: argparse.Namespace) -> int:
    from appliance.host import LocalHost
    from appliance.sealing import RecoveryKey
    from controller.workers import records_copies as copies
    from controller.workers import records_takeover as over
    from controller.workers.records_papers import Offered, beside
    from controller.workers.records_restore import restore

    settings = _as_root("takeover")
    over.refuse_living(over.former_home())
    if not args.former_home_is_off:
        raise NotSaid
    copy = copies.newest(settings).path
    key = RecoveryKey.read(_read(args.key_file, "恢复密钥 recovery key: "))
    # A takeover waits for no attachment: what lacks is told.
    offered = Offered(beside(copy.parent, key), leave=True)
    done = restore(settings, copies.uncover(copy.read_bytes(), key), key, _say, offered)
    if not done.here:
        raise over.NotMember(why="records")
    over.adopt_settings(settings)
    told = over.become_home(load(), done.origin.node, LocalHost(), _say)
    made = {**asdict(done), "lack": list(done.lack), **asdict(told)}
    show(made, args.format, (*_RESTORED, *_TAKEN))
    return _configure_all(args, (told.former, *told.missed))


def _configure_all(args: argparse.Namespace, without: tuple[str, ...]) -> int:
    """Bring every node that answers to its state, this one first: time, firewall, who is home."""
    here = box(args)
    nodes = sorted(here.get("/nodes")["items"], key=lambda node: not node["home"])
    for node in nodes:
        if node["name"] not in without:
            job = here.write("POST", f"/nodes/{node['name']}/configure", {"dry_run": False})
            code(follow(here, job["id"]))
    return 0


def _move(args: argparse.Namespace) -> None:
    from appliance.host import LocalHost
    from controller.workers import records_move

    settings = _as_root("move")
    if args.dry_run:
        steps = records_move.plan(settings, args.goal)
        show([step.as_dict() for step in steps], args.format, _STEPS)
        return
    done = records_move.move(settings, args.goal, LocalHost(), _say)
    show(asdict(done), args.format, _MOVED)


def _key(_args: argparse.Namespace) -> None:
    from controller.records.session import open_records
    from controller.workers.records_copies import new_key

    settings = _as_root("key")
    private = new_key(settings, open_records(settings.database))
    _say(
        "恢复密钥，只显示这一次，请抄写并离线保管 the recovery key, shown this once: write it down"
    )
    sys.stdout.write(private.reveal() + "\n")


def _copies(args: argparse.Namespace) -> None:
    from controller.workers.records_copies import here

    found = [{**asdict(copy), "path": str(copy.path)} for copy in here(_as_root("copies"))]
    show(found, args.format, _COPIES)


def _as_root(verb: str) -> Settings:
    if os.geteuid() != 0:
        raise NeedsRoot(what=f"hbox records {verb}", why="需要 root needs root")
    return load()


def _passphrase(file: Path | None, *, twice: bool = False) -> "Lock":
    from appliance.sealing import Passphrase

    words = _read(file, "口令 passphrase: ")
    if twice and file is None and _read(None, "再次输入 again: ").reveal() != words.reveal():
        raise BadInput(what="口令 passphrase", why="两次不一致 the two differ")
    return Passphrase(words)


def _read(file: Path | None, prompt: str) -> Secret:
    if file is not None:
        return Secret(file.read_text("utf-8").rstrip("\n"))
    return Secret(getpass.getpass(prompt))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


_NEXT = """\
接下来 next:
  1. 确认原控制节点已断电或隔离，两个控制器不得同时运行
     make sure that the former home node is off or cut off: two controllers must never run at once
  2. systemctl restart hbox-firstboot && systemctl restart hbox-web hbox-worker hbox-console
  3. hbox status; hbox audit verify"""
_STRANGER = f"""\
注意：记录中没有名为本机的节点，控制节点标记未改变
note: the records know no node of this machine's name; which node is home was not changed
{_NEXT}"""
