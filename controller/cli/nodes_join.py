"""`hbox node join`: a fresh machine asks a box to take it in, and follows that to its end."""

import argparse
import json
import socket
import sys
from typing import Any

from appliance import build, node_keys
from controller.cli import joining
from controller.cli.form import Verbs, command


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs that run on the node itself."""
    join = command(verbs, "join", "（在新节点上）加入医盒 on the new node: join a box", _join)
    join.add_argument(
        "token",
        nargs="?",
        default="-",
        help="hbox node token 打印的一行；省略或 - 从标准输入读取 the token; - or none: from standard input",
    )
    keys = command(verbs, "keys", "本节点的证书申请 this node's certificate requests", _keys)
    keys.set_defaults(format="json")
    command(verbs, "build", "本机的医盒构建 which build of HBox runs here", _build)


def _join(args: argparse.Namespace) -> int:
    line = args.token if args.token != "-" else _read_line()  # noqa: S105 - a dash is no secret
    return joining.run(line, lambda text: print(text, file=sys.stderr))


def _read_line() -> str:
    if sys.stdin.isatty():
        sys.stderr.write("加入令牌 join token: ")
        sys.stderr.flush()
    return sys.stdin.readline()


def _keys(_args: argparse.Namespace) -> None:
    made = node_keys.requests(socket.gethostname())
    node_keys.lay_links()
    print(json.dumps(made))


def _build(_args: argparse.Namespace) -> None:
    print(build.digest())
