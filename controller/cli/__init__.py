"""The one way in from a shell: a table of nouns; what a noun needs is imported when it is used."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from appliance.errors import BadInput, BoxError, Text


class FileTrouble(BadInput):
    """A file or folder that the person named cannot be read or written."""

    code = "file.trouble"
    text = Text("文件 {name} 无法使用：{why}", "The file {name} cannot be used: {why}")
    hint = Text(
        "请检查路径、权限与剩余空间；命令以当前账户读写文件。",
        "Check path, rights and free space; the command acts with your own account's rights.",
    )


@dataclass(frozen=True)
class Noun:
    """What `hbox NOUN` is about, and the modules whose `register` adds its verbs.

    `verbs` get the noun's own subparsers, `nouns` the top ones (they make the noun themselves).
    """

    text: Text
    verbs: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()


NOUNS: dict[str, Noun] = {
    "status": Noun(Text("医盒概况", "the box at a glance"), nouns=("controller.cli.status",)),
    "vm": Noun(
        Text("虚拟机", "virtual machines"),
        (
            "controller.cli.vms",
            "controller.cli.vms_more",
            "controller.cli.terminal",
        ),
    ),
    "template": Noun(
        Text("模板", "templates that machines are made from"), ("controller.cli.templates",)
    ),
    "volume": Noun(
        Text("卷", "volumes, and the evidence of their erasure"), ("controller.cli.volumes",)
    ),
    "console": Noun(
        Text("控制台会话", "console sessions: who looks at which machine"),
        ("controller.cli.consoles",),
    ),
    "job": Noun(Text("任务", "jobs"), ("controller.cli.jobs",)),
    "module": Noun(
        Text("模块（含厂商开发工具）", "modules, and the vendor's SDK"),
        ("controller.cli.modules",),
        ("appliance.sdk.commands",),
    ),
    "gateway": Noun(Text("内外网数据交换", "the data exchange"), ("controller.cli.gateway",)),
    "compliance": Noun(
        Text("等保三级检查", "level-3 compliance"),
        (
            "controller.cli.compliance",
            "controller.cli.questions",
            "controller.cli.assessing",
            "controller.cli.mending",
            "compliance.commands",
        ),
    ),
    "node": Noun(
        Text("节点", "nodes"),
        (
            "controller.cli.nodes",
            "controller.cli.nodes_tokens",
            "controller.cli.nodes_life",
            "controller.cli.nodes_join",
        ),
    ),
    "storage": Noun(Text("复制存储", "replicated storage"), ("controller.cli.storage",)),
    "account": Noun(Text("账号", "accounts"), ("controller.cli.accounts",)),
    "tenant": Noun(Text("租户", "tenants"), ("controller.cli.tenants",)),
    "grant": Noun(Text("租户授权", "what tenants may do"), ("controller.cli.grants",)),
    "token": Noun(Text("API 令牌", "API tokens"), ("controller.cli.tokens",)),
    "audit": Noun(Text("审计链", "the audit chain"), ("controller.cli.audit",)),
    "records": Noun(
        Text("记录的导出与恢复", "export and restore of the records"), ("controller.cli.records",)
    ),
    "raw": Noun(Text("直接调用接口", "call the API as it is"), nouns=("controller.cli.raw",)),
    "lab": Noun(Text("实验环境", "the lab"), nouns=("images.commands",)),
    "image": Noun(Text("镜像", "images"), nouns=("images.commands",)),
    "sample": Noun(Text("示范医院", "the sample hospital"), nouns=("images.sample.commands",)),
    "docs": Noun(Text("生成参考文档", "the generated reference"), ("controller.cli.docs",)),
    "serve": Noun(Text("启动网页进程", "run the web process"), nouns=("controller.cli.processes",)),
    "work": Noun(Text("启动工作进程", "run the worker"), nouns=("controller.cli.processes",)),
    "consoles": Noun(
        Text("启动控制台进程", "run the console process"), nouns=("controller.cli.processes",)
    ),
    "firstboot": Noun(
        Text("首次启动", "bring a blank box to its first state"),
        nouns=("controller.cli.processes",),
    ),
}

_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 well, 1 refused or failed, 2 not understood."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(overview())
        return 0 if words else _USAGE
    if words[0] not in NOUNS:
        sys.stderr.write(f"hbox: 没有这个命令 no such command: {words[0]}\n\n{overview()}")
        return _USAGE
    try:
        return _run(words)
    except BoxError as error:
        sys.stderr.write(explained(error))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\n已中断 interrupted\n")
        return 130
    except BrokenPipeError:
        return 0  # the reader of our output has seen enough


def _run(words: list[str]) -> int:
    args = parser(words[0]).parse_args(words)
    try:
        return int(args.run(args) or 0)
    except OSError as error:
        if error.filename is None:
            raise
        raise FileTrouble(name=error.filename, why=error.strerror) from error


def overview() -> str:
    """Return what `hbox` without a word says."""
    width = max(len(name) for name in NOUNS)
    lines = [f"  {name:<{width}}  {noun.text.zh} {noun.text.en}" for name, noun in NOUNS.items()]
    head = "用法 usage: hbox NOUN VERB [...]；hbox NOUN --help\n\n"
    return head + "\n".join(lines) + "\n"


def parser(name: str) -> argparse.ArgumentParser:
    """Return a parser that knows the one noun `name`, with all of its verbs."""
    noun = NOUNS[name]
    made = argparse.ArgumentParser(prog="hbox")
    top = made.add_subparsers(metavar="NOUN", required=True)
    for module in noun.nouns:
        importlib.import_module(module).register(top)
    if not noun.verbs:
        return made
    if name not in top.choices:
        sentence = f"{noun.text.zh} {noun.text.en}"
        own = top.add_parser(name, help=sentence, description=sentence)
        own.add_subparsers(metavar="VERB", required=True)
    verbs = _verbs(top.choices[name])
    for module in noun.verbs:
        importlib.import_module(module).register(verbs)
    return made


def explained(error: BoxError) -> str:
    """Return an error as the shell shows it: code, sentence, hint, in both languages."""
    message, advice = error.message, error.advice
    return (
        f"错误 error [{error.code}]\n  {message.zh}\n  {message.en}\n"
        f"提示 hint\n  {advice.zh}\n  {advice.en}\n"
    )


def _verbs(noun: argparse.ArgumentParser) -> "argparse._SubParsersAction[Any]":
    found = [a for a in noun._actions if isinstance(a, argparse._SubParsersAction)]
    return found[0]
