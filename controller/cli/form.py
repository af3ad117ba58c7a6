"""The form of a command: its arguments, the options that all share, and how it speaks to the box."""

import argparse
from collections.abc import Callable
from typing import Any

from controller.cli.client import Box
from controller.cli.output import FORMATS

Verbs = argparse._SubParsersAction
Run = Callable[[argparse.Namespace], int | None]


def command(verbs: "Verbs[Any]", name: str, text: str, run: Run) -> argparse.ArgumentParser:
    """Add the verb `name`; `text` says in both languages what it does."""
    made: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    made.add_argument(
        "--format", choices=FORMATS, default="table", help="输出格式 form of the output"
    )
    made.add_argument("--debug", action="store_true", help="显示 HTTP 调用 print the HTTP calls")
    made.set_defaults(run=run)
    return made


def group(verbs: "Verbs[Any]", name: str, text: str) -> "Verbs[Any]":
    """Add a word that only groups verbs (`hbox gateway channel list`); return where they go."""
    made: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    return made.add_subparsers(metavar="VERB", required=True)


def asking(verbs: "Verbs[Any]", name: str, text: str, run: Run) -> argparse.ArgumentParser:
    """Add a verb that starts a job; by default the job is followed to its end."""
    made = command(verbs, name, text, run)
    made.add_argument("--no-wait", action="store_true", help="不等待任务结束 do not follow the job")
    return made


def box(args: argparse.Namespace) -> Box:
    """Return the box that this command speaks to."""
    return Box(debug=args.debug)
