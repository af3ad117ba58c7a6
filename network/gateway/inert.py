"""Markup in free text made harmless: what a browser would take for a tag or a script is taken no more.

`p < 0.05` and `<5 mg/L` stay as they are; `<script` becomes `＜script`, with a full-width sign that
people read the same and no browser obeys.
"""

import re

# What starts a tag, a comment or an instruction in HTML (WHATWG, 13.2.5.6 tag open state).
# A bare tag with a prefix (`<ns1:p>`, in texts taken from XML) means nothing to a browser.
_PREFIXED = r"/?(?!\w+:(?:script|style|object|embed|applet|iframe)\b)[A-Za-z]\w*:[A-Za-z]\w*>"
_TAG = re.compile(rf"(?ai)<(?=[A-Za-z/!?])(?!{_PREFIXED})")
_SCHEME = re.compile(r"(?i)\b(java|vb|live)(\s*)script\s*:")
_DATA = re.compile(r"(?i)\bdata\s*:(?=\s*(?:text/html|application/xhtml|image/svg))")
# Characters that turn the direction of text (Unicode TR 36). Blanks without a width stay: LOINC's own
# names have them; `dlp` looks through them.
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069]")


def text(value: str) -> tuple[str, int]:
    """Return `value` without anything that acts in a browser, and how many places were changed."""
    changed = 0
    if "<" in value:
        value, count = _TAG.subn("＜", value)
        changed += count
    if ":" in value:
        value, count = _SCHEME.subn(r"\1\2script：", value)
        value, more = _DATA.subn("data：", value)
        changed += count + more
    if not value.isascii():
        value, count = _HIDDEN.subn("", value)
        changed += count
    return value, changed
