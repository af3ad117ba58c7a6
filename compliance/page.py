"""The report as one self-contained page: pure functions from the report's JSON to HTML text."""

from html import escape
from typing import Any

from compliance.model import WORST_FIRST, Verdict
from compliance.plot import plot
from compliance.style import COLOURS, CSS

Part = dict[str, Any]


def render(report: Part, digest: str) -> str:
    """Return the whole page. It loads nothing, runs nothing, and prints as it is seen."""
    title = f"{report['site']} 等保三级自查报告"
    body = "\n".join(
        (
            _head(report, digest),
            _summary(report),
            _layers(report),
            _worst(report),
            _checks(report),
            _items(report),
            _evidence(report),
        )
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="hbox-report-sha256" content="{digest}">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}\n"
        "</main>\n</body>\n</html>\n"
    )


def both(text: Part) -> str:
    """Return a sentence in both languages, Chinese first."""
    return f'{escape(text["zh"])} <span class="en" lang="en">{escape(text["en"])}</span>'


def badge(report: Part, verdict: str) -> str:
    """Return the coloured word of a verdict."""
    return f'<b class="v {verdict}">{escape(report["legend"][verdict]["zh"])}</b>'


def _head(report: Part, digest: str) -> str:
    facts = (
        ("医院 Hospital", report["site"]),
        ("节点 Node", report["node"] + ("（容器 container）" if report["container"] else "")),
        ("开始 Started", report["started"]),
        ("用时 Took", f"{report['seconds']} s"),
        ("依据 Catalogue", report["catalogue"]["standard"]),
        ("目录摘要 Its SHA-256", report["catalogue"]["sha256"]),
        ("报告摘要 Report SHA-256", digest),
        ("工具 Tool", f"{report['tool']['name']} {report['tool']['version']}"),
    )
    rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in facts)
    notes = "".join(f"<li>{both(note)}</li>" for note in report["statements"])
    return (
        '<h1>等保三级自查报告 <span class="en" lang="en">Level-3 self-inspection</span></h1>\n'
        f'<table class="facts">{rows}</table>\n<ul class="notes">{notes}</ul>'
    )


def _summary(report: Part) -> str:
    names = {
        "general": "安全通用要求（条款） general, items",
        "cloud": "云计算扩展要求（条款） cloud, items",
    }
    heads = "".join(f"<th>{badge(report, v)}</th>" for v in WORST_FIRST)
    rows = "".join(
        f"<tr><th>{names[part]}</th>"
        + "".join(f"<td>{counts[v]}</td>" for v in WORST_FIRST)
        + "</tr>"
        for part, counts in report["summary"].items()
    )
    rows += "".join(
        f"<tr><th>{escape(one['title']['zh'])} {escape(one['ref'])}（逐对象 by object）</th>"
        + "".join(f"<td>{one['counts'][v]}</td>" for v in WORST_FIRST)
        + "</tr>"
        for one in report["subjects"]
    )
    score = report["score"]
    gaps = "".join(f"<li>{both(gap)}</li>" for gap in score["gaps"])
    return (
        f'<h2>汇总 <span class="en" lang="en">Summary</span></h2>\n'
        f"<table><tr><th></th>{heads}</tr>{rows}</table>\n"
        f"<p>规则集 Rule set <code>{score['ruleset']}</code>：{both(score['conclusion'])}</p>\n"
        f"<p>算式 Sum: {escape(score['sum'])}</p>\n"
        f"<details><summary>本规则集的已知缺口 Known gaps</summary><ul>{gaps}</ul></details>"
    )


def _layers(report: Part) -> str:
    return '<h2>各层结果 <span class="en" lang="en">Layers</span></h2>\n' + plot(
        report["layers"], report["legend"], COLOURS
    )


def _worst(report: Part) -> str:
    """Findings that a machine decided, worst first; conforming ones are in the table of items."""
    wanted = (Verdict.VIOLATED, Verdict.PARTIAL, Verdict.UNKNOWN)
    risky = {item["id"]: item for item in report["items"]}
    rows = [
        _finding_row(report, one, risky[one["item"]])
        for verdict in wanted
        for one in report["findings"]
        if one["verdict"] == verdict
    ]
    table = _table(("条款 Item", "对象 Object", "结果 Verdict", "原因 Why", "检查 Checks"), rows)
    return (
        f'<h2>问题，最差在前 <span class="en" lang="en">Findings, worst first</span></h2>\n{table}'
    )


def _finding_row(report: Part, one: Part, item: Part) -> str:
    risk = (
        f"<br><small>高风险情形 high-risk case {escape(item['high_risk'])}</small>"
        if item["high_risk"]
        else ""
    )
    links = " ".join(f'<a href="#check-{c}">{c}</a>' for c in one["checks"])
    return (
        f'<tr><td><a href="#item-{one["item"]}">{one["item"]}</a>{risk}</td><td>{escape(one["subject"])}</td>'
        f"<td>{badge(report, one['verdict'])}</td><td>{both(one['reason'])}</td><td>{links}</td></tr>"
    )


def _checks(report: Part) -> str:
    rows = []
    for verdict in WORST_FIRST:
        for one in report["checks"]:
            if one["verdict"] == verdict:
                links = " ".join(f'<a href="#e-{sha}">{sha[:8]}</a>' for sha in one["evidence"])
                rows.append(
                    f'<tr id="check-{one["id"]}"><td>{both(one["title"])}<br><code>{one["id"]}</code></td>'
                    f"<td>{escape(one['subject'])}</td><td>{badge(report, one['verdict'])}</td>"
                    f"<td>{both(one['reason'])}</td><td>{links}</td></tr>"
                )
    table = _table(("检查 Check", "对象 Object", "结果 Verdict", "原因 Why", "证据 Evidence"), rows)
    return f'<h2>机器检查 <span class="en" lang="en">Machine checks</span></h2>\n{table}'


def _items(report: Part) -> str:
    rows = [
        f'<tr id="item-{one["id"]}"><td>{one["id"]}</td><td>{both(one["text"])}</td>'
        f"<td>{badge(report, one['verdict'])}</td></tr>"
        for one in report["items"]
    ]
    table = _table(("条款 Item", "要求（转述） Requirement, paraphrased", "结果 Verdict"), rows)
    return f'<h2>全部条款 <span class="en" lang="en">All items</span></h2>\n{table}'


def _evidence(report: Part) -> str:
    blocks = [
        f'<details id="e-{sha}"><summary><code>{sha[:8]}</code> {escape(one["asked"][:160])}</summary>'
        f"<dl><dt>问 Asked</dt><dd><code>{escape(one['asked'])}</code></dd>"
        f"<dt>时 地 When, where</dt><dd>{escape(one['at'])} @ {escape(one['where'])}</dd>"
        f"<dt>结果 Ended</dt><dd>{escape(one['status'])}, exit {one['exit']}</dd>"
        f"<dt>SHA-256</dt><dd><code>{sha}</code></dd></dl><pre>{escape(one['answer'])}</pre></details>"
        for sha, one in report["evidence"].items()
    ]
    return '<h2>证据 <span class="en" lang="en">Evidence</span></h2>\n' + "\n".join(blocks)


def _table(heads: tuple[str, ...], rows: list[str]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(rows) + "\n</tbody></table>"
    )
