"""Small pieces of the report's page: both languages, a verdict's word, headings, tables; all escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Part = Mapping[str, Any]


def both(text: Part) -> str:
    """Return a sentence in both languages, Chinese first."""
    return f'{escape(text["zh"])} <span class="en" lang="en">{escape(text["en"])}</span>'


def badge(report: Part, verdict: str) -> str:
    """Return the coloured word of a verdict."""
    return f'<b class="v {verdict}">{escape(report["legend"][verdict]["zh"])}</b>'


def heading(zh: str, en: str) -> str:
    """Return a chapter's heading."""
    return f'<h2>{escape(zh)} <span class="en" lang="en">{escape(en)}</span></h2>\n'


def table(heads: Sequence[str], rows: Sequence[str]) -> str:
    """Return a table; `heads` are text, `rows` are finished rows."""
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(rows) + "\n</tbody></table>"
    )


def row(*cells: str) -> str:
    """Return a row of finished cells."""
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def bullets(texts: Sequence[Part]) -> str:
    """Return sentences as a list."""
    return "<ul>" + "".join(f"<li>{both(one)}</li>" for one in texts) + "</ul>"
