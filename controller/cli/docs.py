"""`hbox docs`: write the generated reference, or check that what is there is up to date."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance.errors import Conflict, Text
from controller.cli.form import Verbs

FOLDER = Path("docs/reference")


class DocsStale(Conflict):
    """The generated reference is not what the code says now."""

    code = "docs.stale"
    text = Text("参考文档已过期：{files}", "The reference is out of date: {files}")
    hint = Text("请运行 hbox docs write。", "Run hbox docs write.")


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox docs`."""
    for name, text, run in (
        ("write", "写出参考文档 write the reference", _write),
        ("check", "检查参考文档 check the reference", _check),
    ):
        made = verbs.add_parser(name, help=text, description=text)
        made.add_argument("--folder", type=Path, default=FOLDER, help="目录 folder")
        made.set_defaults(run=run)


def texts() -> dict[str, str]:
    """Return each generated file's name and content."""
    from compliance import schema
    from controller.api.openapi import describe
    from controller.api.routes import ROUTES

    document = json.dumps(describe(ROUTES), ensure_ascii=False, indent=2, sort_keys=True)
    return {
        "openapi.json": document + "\n",
        "cli.md": _commands(),
        "report.schema.json": schema.text(),
    }


def _write(args: argparse.Namespace) -> None:
    args.folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (args.folder / name).write_text(text, "utf-8")
        sys.stderr.write(f"已写入 written: {args.folder / name}\n")


def _check(args: argparse.Namespace) -> None:
    stale = [name for name, text in texts().items() if _held(args.folder / name) != text]
    if stale:
        raise DocsStale(files=", ".join(stale))


def _held(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _commands() -> str:
    from controller.cli import NOUNS, parser

    parts = ["# hbox 命令参考 command reference\n\n由 `hbox docs write` 生成。Generated.\n"]
    seen: set[str] = set()
    for noun, about in NOUNS.items():
        parts.append(f"\n## hbox {noun}\n\n{about.text.zh} {about.text.en}\n")
        for line in _lines(parser(noun), noun):
            if line not in seen:
                seen.add(line)
                parts.append(line)
    return "".join(parts)


def _lines(made: argparse.ArgumentParser, noun: str) -> list[str]:
    top = _choices(made)[noun]
    if not _choices(top):
        return [f"\n- `{_usage(top)}`\n"]
    return [
        f"\n- `{_usage(verb)}`: {verb.description or ''}".rstrip(": ") + "\n"
        for verb in _leaves(top)
    ]


def _leaves(made: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Give the commands below this word, through words that only group others."""
    for verb in _choices(made).values():
        if _choices(verb):
            yield from _leaves(verb)
        else:
            yield verb


def _choices(made: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _usage(made: argparse.ArgumentParser) -> str:
    """Return the arguments in one line, without what depends on the terminal's width."""
    words = [made.prog]
    for action in made._actions:
        name = action.option_strings[-1] if action.option_strings else ""
        if name in ("--help", "--debug"):
            continue
        value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
        value = "|".join(map(str, action.choices)) if action.choices else str(value)
        word = f"{name} {value}".strip()
        words.append(word if action.required else f"[{word}]")
    return " ".join(words)
