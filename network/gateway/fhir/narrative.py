"""FHIR narratives (`text.div`): lawful ones pass unchanged, in others whatever acts is taken out.

Lawful is what R4 allows (constraint txt-1 of Narrative: formatting, tables, links, images), as
well-formed XML without a document type, instructions or entities of its own, and with addresses that
no browser runs.
"""

import html
import html.entities
import re
from xml.parsers import expat

import nh3

from network.gateway import inert

NAMESPACE = "http://www.w3.org/1999/xhtml"
_TAGS = frozenset(
    re.findall(
        r"\S+",
        """
    a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4
    h5 h6 hr i img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt
    ul var
    """,
    )
)
_ATTRIBUTES = frozenset(
    re.findall(
        r"\S+",
        """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char
    charoff charset cite class colspan compact coords dir frame headers height href hreflang hspace
    id lang longdesc name nowrap rel rev rowspan rules scope shape span src start style summary
    tabindex title type valign value vspace width xmlns xml:lang xml:space xml:id
    """,
    )
)
_ADDRESSES = frozenset({"href", "src", "cite", "longdesc"})
_unprintable = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_VOID = re.compile(r"<(br|hr|img|col)\b([^<>]*)>")
_DEPTH = 100
_MARKS = (
    2000  # tags in what is cleaned: an HTML parser takes the square of them (b within b, p after p)
)
_TAG = re.compile(r"<[^<>]*>?")
# Between these a reader sees no gap; between all others a line ends.
_NO_GAP = (
    r"</?(?:a|abbr|acronym|b|big|cite|code|dfn|em|i|q|samp|small|span|strong|sub|sup|tt|var)\b[^<>]*>"
    r"|<!--[^<]*?-->"
)
_INLINE = re.compile(_NO_GAP)
# Two digits with nothing but such tags, entities, line ends, blanks and hyphens in between.
_PARTED = re.compile(rf"[0-9][ -]?(?:(?:&[A-Za-z]+;|{_NO_GAP}|[\t\r\n])[ -]{{0,16}}){{1,32}}[0-9]")
# A scheme that no browser runs; an address without one stays in the page.
_ADDRESS = re.compile(
    r"(?:https?|mailto|tel|urn|ftp):[^\s<>\x00-\x1f]*|data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*"
    r"|(?![A-Za-z][A-Za-z0-9+.-]*\s*:)[^\s<>\x00-\x1f]*",
    re.IGNORECASE,
)
_STYLE = re.compile(r"(?i)url\s*\(|expression|@import|behaviou?r|-moz-binding|javascript|[<>\\]")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31});")


class NotLawful(ValueError):
    """A narrative is not of the subset; `args` says why."""


def made_lawful(div: str) -> tuple[str, bool]:
    """Return `div` as it may cross, and whether anything had to be taken out of it."""
    try:
        check(div)
    except NotLawful:
        return cleaned(div), True
    return div, False


def check(div: str) -> None:
    """Raise `NotLawful` unless `div` is a narrative as R4 allows it."""
    seen = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = seen.start
    parser.EndElementHandler = seen.end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _forbidden
    parser.ProcessingInstructionHandler = _forbidden
    parser.XmlDeclHandler = parser.StartCdataSectionHandler = _forbidden
    parser.CommentHandler = seen.comment
    # Entities of HTML mean one sign each; XML does not know them, so they are looked up here.
    plain = _NAMED.sub(_sign, div) if "&" in div else div
    try:
        parser.Parse(plain, True)  # noqa: FBT003 - expat's form
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise NotLawful(str(error)) from error


def cleaned(div: str) -> str:
    """Return `div` with everything taken out that may act; always a lawful narrative."""
    div = _unprintable.sub("", div)
    if div.count("<") > _MARKS:
        return _bare(html.unescape(_TAG.sub(" ", div)))
    made = nh3.clean(
        div,
        tags=set(_TAGS),
        attributes={"*": set(_ATTRIBUTES) - {"style", "xmlns"} - _ADDRESSES, "a": {"href"}, "img": {"src"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )  # fmt: skip
    made = _VOID.sub(_closed, _NAMED.sub(_sign, made)).strip()
    whole = made if made.startswith("<div") and made.count("<div") == 1 else f"<div>{made}</div>"
    whole = whole.replace("<div", f'<div xmlns="{NAMESPACE}"', 1)
    try:
        check(whole)
    except NotLawful:
        return _bare(html.unescape(nh3.clean(div, tags=set())))
    return whole


def _bare(text: str) -> str:
    plain = html.escape(_unprintable.sub("", text), quote=False)
    return f'<div xmlns="{NAMESPACE}">{plain}</div>'


def words(div: str) -> str:
    """Return what a reader of a lawful `div` sees, where that may be other than what stands in it.

    Digits written as references, or parted by tags that leave no gap, are one number to a reader.
    """
    if "&#" not in div and not _PARTED.search(div):
        return ""
    return html.unescape(_TAG.sub("\n", " ".join(_INLINE.sub("", div).split())))


class _Reader:
    """expat's handlers: elements and attributes of the subset only, one div around all."""

    def __init__(self) -> None:
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name not in _TAGS or (self._depth == 0 and name != "div") or self._depth > _DEPTH:
            raise NotLawful(f"element {name[:20]}")
        self._depth += 1
        for attribute, value in attributes.items():
            if attribute not in _ATTRIBUTES or not _attribute(attribute, value):
                raise NotLawful(f"attribute {attribute[:20]}")

    def end(self, _name: str) -> None:
        self._depth -= 1

    def comment(self, text: str) -> None:
        # HTML ends a comment where XML does not.
        if text.startswith((">", "->")) or "--!" in text or "<" in text:
            raise NotLawful("comment")


def _attribute(name: str, value: str) -> bool:
    if name in _ADDRESSES:
        return _ADDRESS.fullmatch(value.strip()) is not None
    if name == "style":
        return _STYLE.search(value) is None
    if name == "xmlns":
        return value == NAMESPACE
    return not inert.text(value)[1]


def _sign(found: re.Match[str]) -> str:
    sign = html.entities.html5.get(f"{found.group(1)};", "<")
    # `&LT;` and `&QUOT;` would become markup here, and XML does not know them: they stay, and are refused.
    return found.group() if any(mark in sign for mark in "<>&\"'") else sign


def _closed(tag: re.Match[str]) -> str:
    return f"<{tag.group(1)}{tag.group(2).rstrip(' /')}/>"


def _forbidden(*_: object) -> None:
    raise NotLawful("declaration or instruction")
