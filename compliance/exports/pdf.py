"""The report as PDF: the page for people, set on A4 with page numbers and its digest on every page.

Nothing is fetched; long answers of machines are cut (the JSON holds them whole), so that a report has
tens of pages and not thousands. Equal reports give equal bytes with equal libraries and fonts.
"""

from collections.abc import Mapping
from html import escape
from typing import Any, NoReturn

from weasyprint import CSS, HTML

from appliance.canonical import canonical, digest
from compliance import page
from compliance.exports.columns import sized
from compliance.exports.harmless import cut, plain

Part = Mapping[str, Any]

FONT = "WenQuanYi Micro Hei"
_ANSWER = 1_000  # characters of a machine's answer that are printed
_LINES = 24
_SENTENCE = 1_500  # characters of any other text

# Fixed columns (`columns.py` says how wide): laid out in one pass, half the time. `html` before a name:
# the page's own rules come later and would win.
_SHEET = """
@page{{size:A4;margin:20mm 15mm 18mm;
@top-left{{content:"{site}";font:7.5pt "{font}";color:#566573}}
@top-right{{content:string(chapter);font:7.5pt "{font}";color:#566573}}
@bottom-left{{content:"报告摘要 SHA-256 {digest}";font:6.5pt "{font}";color:#566573}}
@bottom-right{{content:counter(page) " / " counter(pages);font:7.5pt "{font}";color:#1c2833}}}}
@page:first{{@top-right{{content:""}}}}
*{{font-family:"{font}" !important}}
html body{{font-size:9pt;line-height:1.45}}html main{{padding:0}}
html h1{{font-size:20pt}}html h2{{font-size:14pt;margin-top:18pt;string-set:chapter content(text)}}
html h3{{font-size:11pt}}h1,h2,h3{{break-after:avoid}}
html table{{table-layout:fixed;font-size:8pt}}html th,html td{{padding:2pt 4pt}}
thead{{display:table-header-group}}tr,svg{{break-inside:avoid}}
html pre{{font-size:7.5pt;max-height:none;overflow:visible;line-height:1.3}}
html summary{{font-weight:bold;font-size:8pt;list-style:none}}
html dt,html dd{{display:inline;margin:0 6pt 0 0;font-size:7.5pt}}
a{{color:inherit;text-decoration:none}}
"""


def pdf(report: Part) -> bytes:
    """Return the PDF of `report`, in PDF/A-3u form, with the digest of the whole report."""
    held = digest(canonical(report))
    sheet = _SHEET.format(site=_quoted(report["site"]), digest=held, font=FONT)
    text = sized(page.render(shortened(report), held))
    made = HTML(string=text, url_fetcher=_nothing, base_url=None)
    return bytes(
        made.write_pdf(stylesheets=[CSS(string=sheet)], pdf_variant="pdf/a-3u", pdf_identifier=held)
    )


def shortened(report: Part) -> dict[str, Any]:
    """Return a copy to be printed: every text harmless and of bounded length."""
    copy = {key: _texts(value) for key, value in report.items() if key != "evidence"}
    copy["evidence"] = {sha: _proof(one) for sha, one in report["evidence"].items()}
    return copy


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        return cut(plain(value[: _SENTENCE * 4]), _SENTENCE)
    if isinstance(value, Mapping):
        return {key: _texts(one) for key, one in value.items()}
    return [_texts(one) for one in value] if isinstance(value, list) else value


def _proof(one: Part) -> dict[str, Any]:
    lines = plain(one["answer"][: _ANSWER * 4]).split("\n")
    shown = cut("\n".join(lines[:_LINES]), _ANSWER)
    if len(lines) > _LINES or len(one["answer"]) > _ANSWER * 4:
        shown += f"\n…（全文 {len(one['answer'])} 字，见 JSON 报告 the whole answer is in the JSON report）"
    return {**{key: _texts(one[key]) for key in one if key != "answer"}, "answer": shown}


def _quoted(text: str) -> str:
    """Return a text as it may stand between quotation marks in a style sheet."""
    kept = cut(plain(text), 60).replace("\n", " ")
    return "".join(f"\\{ord(one):x} " if one in "\\\"'<>{}" else one for one in kept)


class FetchRefused(ValueError):
    """The page asked for something from outside: it never does, unless somebody got markup into it."""


def _nothing(url: str, *_args: object, **_kwargs: object) -> NoReturn:
    raise FetchRefused(escape(url[:200]))
