"""The daily report as one self-contained page, made to be printed: pure functions from its figures to HTML."""

import datetime as dt
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from appliance.clock import BEIJING
from controller.workers.daily_plot import columns, lines
from controller.workers.daily_style import CSS

Part = Mapping[str, Any]
Row = Sequence[str]

_TRUTH = {
    "zh": "隔离级别 L1：同一内核上的网络命名空间，是软件数据交换网关，不是经认证的网闸。",
    "en": "Level L1: namespaces on one kernel; a software exchange gateway, not a certified air-gap device.",
}
_WAYS = {"extranet->intranet": "外→内 inward", "intranet->extranet": "内→外 outward"}


def render(report: Part, digest: str) -> str:
    """Return the whole page; it loads nothing, runs nothing, and carries its report's digest."""
    title = f"{report['site']} 内外网数据交换日报 {report['day']}"
    body = "\n".join(part(report) for part in _PARTS)
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="hbox-report-sha256" content="{digest}">'
        f"<title>{escape(title)}</title><style>{CSS}</style></head><body><main>\n"
        f"<h1>{escape(title)} {_en('Daily report of the data exchange')}</h1>\n{body}\n"
        f'<p class="quiet">报告摘要 report digest SHA-256 <code>{digest}</code></p></main></body></html>\n'
    )


def _en(text: str) -> str:
    return f'<span class="en" lang="en">{escape(text)}</span>'


def _both(text: Mapping[str, str]) -> str:
    return f"{escape(text['zh'])} {_en(text['en'])}"


def when(instant: str | None) -> str:
    """Return an instant in Beijing time, to the second; a dash for none."""
    if not instant:
        return "–"
    return dt.datetime.fromisoformat(instant).astimezone(BEIJING).strftime("%m-%d %H:%M:%S")


def _section(zh: str, en: str, inner: str) -> str:
    return f"<section><h2>{escape(zh)} {_en(en)}</h2>\n{inner}\n</section>"


def _table(heads: Row, rows: Sequence[Row], none: str) -> str:
    """Return a table; cells whose head ends in `#` are numbers. Everything is escaped here."""
    if not rows:
        return f'<p class="quiet">{escape(none)}</p>'
    kinds = [' class="num"' if head.endswith("#") else "" for head in heads]
    top = "".join(
        f"<th{kind}>{escape(head.rstrip('#'))}</th>"
        for head, kind in zip(heads, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{escape(c)}</td>" for c, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _totals(report: Part) -> str:
    totals = report["totals"]
    words = (
        ("passed", "放行", "passed"), ("refused", "拒绝", "refused"),
        ("undelivered", "未送达", "undelivered"), ("dropped", "去除字段", "fields left out"),
        ("masked", "脱敏字段", "fields masked"), ("inert", "去活标记", "markup made inert"),
    )  # fmt: skip
    boxes = "".join(
        f"<div><dt>{zh} {_en(en)}</dt><dd>{totals[name]}</dd></div>" for name, zh, en in words
    )
    span = f"{when(report['since'])} – {when(report['until'])}（北京时间 Beijing time）"
    return (
        f'<p>{escape(span)} · 生成于 made at {when(report["made_at"])}</p><dl class="figures">{boxes}</dl>'
        f'<p class="quiet">{_both(_TRUTH)}</p>'
    )


def _plots(report: Part) -> str:
    hours = report["hours"]
    bars = columns(
        {
            "放行 passed": (hours["passed"], "#0b6370"),
            "拒绝 refused": (hours["refused"], "#b0231c"),
            "未送达 undelivered": (hours["undelivered"], "#c77700"),
        },
        "每小时消息数 messages per hour",
    )
    curve = lines(
        {"p50": (hours["p50"], "#0b6370"), "p95": (hours["p95"], "#8a5300")},
        "耗时 latency, ms",
    )
    return _section("全天走势", "The day by hours", bars + curve)


def _groups(report: Part) -> str:
    rows = [
        (
            one["channel"] or "–", _WAYS.get(one["direction"], one["direction"]), one["data_class"] or "–",
            one["purpose"] or "–", str(one["passed"]), str(one["refused"]), str(one["undelivered"]),
            str(one["bytes"]), str(one["dropped"]), str(one["masked"]),
        )
        for one in report["groups"]
    ]  # fmt: skip
    heads = ("通道 channel", "方向 direction", "级别 class", "用途 purpose", "放行 passed#", "拒绝 refused#",
             "未送达 undelivered#", "字节 bytes#", "去除 dropped#", "脱敏 masked#")  # fmt: skip
    return _section("按通道、方向和数据级别", "By channel, direction and data class",
                    _table(heads, rows, "当天没有消息 no messages"))  # fmt: skip


def _latency(report: Part) -> str:
    rows = [
        (one["channel"] or "–", str(one["number"]), str(one["p50"]), str(one["p95"]), str(one["max"]))
        for one in report["latency"]
    ]  # fmt: skip
    heads = ("通道 channel", "条数 number#", "p50 ms#", "p95 ms#", "最长 longest ms#")
    return _section("耗时", "Latency", _table(heads, rows, "没有已完成的消息 none completed"))


def _refusals(report: Part) -> str:
    rows = [
        (one["rule"], one["peer"] or "–", one["who"] or "–", one["channel"] or "–", str(one["number"]))
        for one in report["refusals"]
    ]  # fmt: skip
    heads = ("规则 rule", "来源 peer", "系统 system", "通道 channel", "次数 times#")
    return _section("最多的拒绝", "Top refusals", _table(heads, rows, "没有拒绝 none"))


def _personal(report: Part) -> str:
    kinds = ("id-card", "phone", "bank-card")
    rows = [
        (one["channel"] or "–", one["verdict"], str(one["messages"]), *(str(one.get(k, 0)) for k in kinds))
        for one in report["personal"]
    ]  # fmt: skip
    heads = (
        "通道 channel",
        "判定 verdict",
        "消息 messages#",
        "身份证 identity#",
        "电话 phone#",
        "银行卡 card#",
    )
    return _section(
        "未声明的个人号码",
        "Personal numbers not declared",
        _table(heads, rows, "没有发现 none found"),
    )


def _undelivered(report: Part) -> str:
    rows = [
        (str(one["number"]), when(one["at"]), one["channel"], one["kind"], one["state"], one["rule"] or "–", str(one["attempts"]))
        for one in report["undelivered"]
    ]  # fmt: skip
    heads = (
        "编号 no.#",
        "时间 at",
        "通道 channel",
        "消息 kind",
        "状态 state",
        "原因 reason",
        "次数 tries#",
    )
    waits = [(one["channel"], str(one["number"]), when(one["oldest"])) for one in report["waiting"]]
    return _section("未送达与排队", "Undelivered, and waiting",
                    _table(heads, rows, "没有未送达的消息 none")
                    + _table(("通道 channel", "排队 waiting#", "最早 oldest"), waits, "没有排队 nothing waits"))  # fmt: skip


def _alerts(report: Part) -> str:
    rows = [
        (when(one["opened_at"]), one["what"]["zh"], one["what"]["en"], one["acknowledged_by"] or "–", when(one["closed_at"]))
        for one in report["alerts"]
    ]  # fmt: skip
    heads = ("出现 opened", "告警", "alert", "确认人 by", "结束 closed")
    return _section("告警", "Alerts", _table(heads, rows, "没有告警 none"))


def _proofs(report: Part) -> str:
    rows = [
        (
            when(one["at"]), one["level"], str(one["verdicts"].get("refused", 0)),
            str(one["verdicts"].get("OPEN", 0)), str(one["verdicts"].get("unknown", 0)),
        )
        for one in report["proofs"]
    ]  # fmt: skip
    heads = ("时间 at", "级别 level", "阻断 refused#", "可穿越 OPEN#", "未能判定 unknown#")
    return _section(
        "隔离证明",
        "Proofs of separation",
        _table(heads, rows, "当天没有运行证明 the prover did not run"),
    )


def _jobs(report: Part) -> str:
    parts = []
    for name, zh, en, none in (
        ("changes", "策略变更与操作", "Changes and orders", "没有变更 none"),
        ("looks", "查看与导出", "Looks and exports", "没有人查看正文 nobody looked"),
    ):
        rows = [
            (str(j["number"]), when(j["at"]), j["title"]["zh"], j["actor"], j["role"], j["state"])
            for j in report[name]
        ]
        heads = ("任务 job#", "时间 at", "内容 what", "人员 who", "角色 role", "结果 outcome")
        parts.append(_section(zh, en, _table(heads, rows, none)))
    return "\n".join(parts)


def _head(report: Part) -> str:
    head, sealed = report["journal"], report.get("sealed_head")
    if not head:
        return _section("交换日志", "The journal", '<p class="quiet">日志为空 empty</p>')
    broken = f'<p class="bad">{escape(head["broken"])}</p>' if head["broken"] else ""
    told = f"第 {head['number']} 条 record，{when(head['at'])}"
    signed = (
        f"第 {sealed['number']} 条 record，{when(str(sealed.get('at', '')))}"
        if sealed
        else "尚未签名 not signed yet"
    )
    return _section(
        "交换日志", "The journal",
        f"{broken}<p>链头 head：{escape(told)}<br><code>{escape(head['chain'])}</code></p>"
        f"<p>已签名 signed：{escape(signed)}</p>",
    )  # fmt: skip


_PARTS = (
    _totals, _plots, _groups, _latency, _refusals, _personal, _undelivered, _alerts, _proofs, _jobs, _head,
)  # fmt: skip
