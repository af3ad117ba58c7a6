"""`hbox serve`, `hbox work`, `hbox firstboot`: the box's own processes, started by its units."""

import argparse
import sys
from pathlib import Path
from typing import Any

from appliance import settings
from controller.cli.form import Verbs


def register(top: "Verbs[Any]") -> None:
    """Add the box's processes."""
    for name, text, run in (
        ("serve", "网页进程 the web process: console and API", _serve),
        (
            "consoles",
            "控制台进程 the console process: WebSockets of screens and serial lines",
            _consoles,
        ),
        ("work", "工作进程（root） the worker, as root", _work),
        ("firstboot", "首次启动（root） first boot, as root", _firstboot),
    ):
        made = top.add_parser(name, help=text, description=text)
        made.add_argument(
            "--settings", type=Path, default=settings.FILE, help="设置文件 settings file"
        )
        made.set_defaults(run=run)


def _serve(args: argparse.Namespace) -> None:
    from controller.serve import doors

    doors.run(settings.load(args.settings))


def _consoles(args: argparse.Namespace) -> None:
    from controller.console import server

    server.run(settings.load(args.settings))


def _work(args: argparse.Namespace) -> int:
    from controller import work

    return work.main(settings.load(args.settings))


def _firstboot(args: argparse.Namespace) -> None:
    from controller import firstboot

    firstboot.run(settings.load(args.settings), lambda line: print(line, file=sys.stderr))
