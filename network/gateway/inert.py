"""Markup in free text made harmless: what a browser would take for a tag or a script is taken no more.

`p < 0.05` and `<5 mg/L` stay as they are; `<script` becomes `＜script`, with a full-width sign that
people read the same and no browser obeys.
"""

import re

# What starts a tag, a comment or an instruction in HTML (WHATWG, 13.2.5.6 tag open state).
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_SCHEME = re.compile(r"(?i)\b(java|vb|live)(\s*)script\s*:")
_DATA = re.compile(r"(?i)\bdata\s*:(?=\s*(?:text/html|application/xhtml|image/svg))")
# Control characters that hide text or turn its direction (Unicode TR 36); tab and line ends stay.
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff]")


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
