"""The `hbox lab …` and `hbox image …` commands, mounted by the one console script."""

import argparse
import os
import sys
from pathlib import Path

from appliance.host import LocalHost
from images import boot, build, record, vagrant
from images import cache as caches
from images.lab import leftovers, life
from images.sample import bundles
from images.sample.parts import PARTS

_KINDS = ("box-debian", "box-python", "box-product", "guest-base")


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the `lab` and `image` commands; each sets `run`, a function from arguments to exit code."""
    _lab(subparsers)
    _image(subparsers)


def _lab(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verbs = subparsers.add_parser("lab", help="实验环境 / the lab").add_subparsers(required=True)
    up = verbs.add_parser("up", help="启动 / build what is missing, start it")
    up.add_argument("--name", default="hbox")
    up.add_argument("--nodes", type=int, default=1)
    up.add_argument("--console-port", type=int, default=life.CONSOLE)
    up.add_argument("--patient-port", type=int, default=None)
    up.set_defaults(run=_up)
    ssh = verbs.add_parser("ssh", help="登录节点 / a shell, or a command, on a node")
    ssh.add_argument("--name", default="hbox")
    ssh.add_argument("--node", type=int, default=0)
    ssh.add_argument("command", nargs=argparse.REMAINDER)
    ssh.set_defaults(run=_ssh)
    listing = verbs.add_parser("list", help="列出 / what runs, and what is left of what ran")
    listing.set_defaults(run=_list)
    down = verbs.add_parser("down", help="停止并清理 / stop it and remove everything of it")
    down.add_argument("--name", default="hbox")
    down.set_defaults(run=_down)


def _image(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verbs = subparsers.add_parser("image", help="镜像 / images").add_subparsers(required=True)
    make = verbs.add_parser("build", help="构建 / build what is missing")
    make.add_argument("--fresh", action="store_true", help="重新获取 Debian / fetch Debian anew")
    make.set_defaults(run=_build)
    listing = verbs.add_parser("list", help="列出 / what the cache holds")
    listing.set_defaults(run=_images)
    pack = verbs.add_parser("vagrant", help="打包 Vagrant box / pack the box for Vagrant")
    pack.add_argument("--out", type=Path, default=None, metavar="FOLDER")
    pack.set_defaults(run=_vagrant)


def _up(args: argparse.Namespace) -> int:
    lab = life.up(
        args.name, args.nodes, console_port=args.console_port, patient_port=args.patient_port
    )
    for node in lab.nodes:
        _say(f"{node.name}\t{node.address}\thbox lab ssh --name {lab.name} --node {node.number}")
    _say(f"https://127.0.0.1:{args.console_port}/")
    return 0


def _ssh(args: argparse.Namespace) -> int:
    node = life.find(args.name).nodes[args.node]
    argv = node.argv(*args.command, interactive=sys.stdin.isatty())
    os.execvp(argv[0], argv)  # noqa: S606 - the user's terminal itself becomes the shell


def _list(_: argparse.Namespace) -> int:
    for name in life.known():
        if life.runs(name):
            nodes = ", ".join(f"{one.name} {one.address}" for one in life.find(name).nodes)
            _say(f"{name}\t运行中 running\t{nodes}")
            continue
        _say(f"{name}\t残留 left over: hbox lab down --name {name}")
        for one in leftovers.find(name):
            _say(f"  {one.kind}\t{one.what}")
    return 0


def _down(args: argparse.Namespace) -> int:
    life.down(args.name)
    return 0


def _build(args: argparse.Namespace) -> int:
    built = build.everything(fresh=args.fresh)
    for path in (*built.layers, built.guest):
        _say(str(path))
    return 0


def _images(_: argparse.Namespace) -> int:
    cache = caches.default()
    for kind in _KINDS:
        for folder in cache.entries(kind):
            held = record.read(folder)
            _say(
                f"{kind}\t{folder.name}\t{held.made[:19]}\t{len(held.packages)} packages\t{folder}"
            )
    return 0


def _vagrant(args: argparse.Namespace) -> int:
    cache = caches.default()
    shown = build.progress(cache)
    host, folder = LocalHost(), (args.out or vagrant.default_folder()).absolute()
    built = build.everything(host, cache, shown)
    works = boot.kvm(cache.folder, built.guest)
    with build.plain_modes():
        his = bundles.packed(next(p for p in PARTS if p.zone == "intranet"), cache)
        made = vagrant.pack(host, built, folder, shown, kvm=works, his=his)
    _say(f"{made.name}\t{made.driver}\t{folder}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
