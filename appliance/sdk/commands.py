"""The commands of the vendor SDK, `hbox module …`; none of them needs a box."""

import json
import os
import sys
import tempfile
from argparse import Namespace, _SubParsersAction
from pathlib import Path
from typing import Any

from appliance.host import LocalHost
from appliance.sdk import bundle, manifest, scaffold, source, trust, wheels
from appliance.sdk.errors import SourceInvalid, TestsFailed
from appliance.signing import SigningKey

LIMIT = 268_435_456  # bytes; the box's own default, `module_limit`


def register(subparsers: "_SubParsersAction[Any]") -> None:
    """Add `module` and its subcommands; each sets `run`, a function from arguments to exit code."""
    group = subparsers.add_parser(
        "module", help="模块开发工具 vendor SDK: new, lint, test, pack, sign"
    )
    commands = group.add_subparsers(dest="command", required=True)
    add = commands.add_parser
    made = add("new", help="新建模块源码 make a new module's source tree")
    made.add_argument("id")
    made.add_argument("--vendor", required=True)
    made.add_argument("--folder", type=Path, help="default: ./ID")
    made.set_defaults(run=_new)
    for name, run, text in (
        ("lint", _lint, "检查源码 check a source tree"),
        ("test", _test, "运行模块测试 run the module's own tests"),
        ("pack", _pack, "打包 build the bundle"),
    ):
        one = add(name, help=text)
        one.add_argument("folder", type=Path)
        one.set_defaults(run=run)
        if name == "pack":
            one.add_argument("--out", type=Path, default=Path())
    _register_keys(add)


def _register_keys(add: Any) -> None:
    keyed = add("keygen", help="生成签名密钥 make a signing key")
    keyed.add_argument("key", type=Path)
    keyed.set_defaults(run=_keygen)
    signed = add("sign", help="签名 sign a bundle")
    signed.add_argument("bundle", type=Path)
    signed.add_argument("--key", type=Path, required=True)
    signed.set_defaults(run=_sign)
    verified = add("verify", help="校验模块包 verify a bundle against a list of trusted keys")
    verified.add_argument("bundle", type=Path)
    verified.add_argument("--trust", type=Path, required=True)
    verified.set_defaults(run=_verify)
    add("schema", help="清单格式 the manifest's JSON Schema").set_defaults(run=_schema)


def _new(args: Namespace) -> int:
    folder = args.folder or Path(args.id)
    for path in scaffold.new(folder, args.id, args.vendor):
        _say(str(path))
    return 0


def _lint(args: Namespace) -> int:
    problems = source.lint(args.folder)
    for problem in problems:
        _say(
            f"✗ [{problem.code}] {problem.message.zh}\n  {problem.message.en}\n  {problem.advice.zh}"
        )
    if not problems:
        _say("✓ 源码合格 the source tree is fit to be packed")
    return 1 if problems else 0


def _test(args: Namespace) -> int:
    root = args.folder.resolve()
    source.read(root)
    if not (root / "tests").is_dir():
        raise SourceInvalid(what="tests", why_zh="没有测试目录", why_en="there is no tests folder")
    result = LocalHost().run(
        [sys.executable, "-W", "error", "-m", "unittest", "discover", "-s", str(root / "tests")],
        timeout=1800,
        check=False,
        env={"PYTHONPATH": os.pathsep.join([str(root / "src"), os.environ.get("PYTHONPATH", "")])},
    )
    _say((result.out + result.err).decode("utf-8", "replace").rstrip())
    if result.code != 0:
        raise TestsFailed(exit=result.code)
    return 0


def _pack(args: Namespace) -> int:
    _say(str(pack(args.folder, args.out)))
    return 0


def pack(root: Path, out: Path) -> Path:
    """Lint, build and pack the source tree at `root` into the folder `out`; return the bundle.

    The bundle is not signed yet. Raises the first of what lint finds, or `WheelBuildFailed`.
    """
    problems = source.lint(root)
    if problems:
        raise problems[0]
    tree = source.read(root)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hbox-wheels-") as scratch:
        built = wheels.build(tree, Path(scratch))
        return bundle.pack(tree.manifest_file, tree.unit_file, built, out)


def _keygen(args: Namespace) -> int:
    if args.key.exists():
        raise SourceInvalid(
            what=str(args.key), why_zh="文件已存在", why_en="the file exists already"
        )
    key = SigningKey.new()
    key.save(args.key)
    _say(f"{args.key}.pub {key.public.fingerprint}")
    return 0


def _sign(args: Namespace) -> int:
    _say(bundle.sign(args.bundle, SigningKey.load(args.key), LIMIT))
    return 0


def _verify(args: Namespace) -> int:
    found = bundle.verify(args.bundle, trust.load(args.trust), LIMIT)
    _say(f"✓ {found.manifest.id} {found.manifest.version} {found.manifest.module.vendor}")
    _say(f"  sha256 {found.digest}\n  key {found.key}")
    return 0


def _schema(_args: Namespace) -> int:
    _say(json.dumps(manifest.schema(), ensure_ascii=False, indent=2))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
