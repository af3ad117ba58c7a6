"""In which charset an HL7 v2 message is written: MSH-18 (table 0211) first, the channel's otherwise."""

import codecs
import re
from functools import lru_cache

from network.gateway.refusals import BodyRefused

# Table 0211 and the names seen in the field, without case, blanks, hyphens, slashes and underscores.
# GB 2312 and GBK are parts of GB 18030.
_CODECS = {
    "ASCII": "ascii",
    "USASCII": "ascii",
    "ISOIR6": "ascii",
    "88591": "iso8859-1",
    "ISO88591": "iso8859-1",
    "ISOIR100": "iso8859-1",
    "GB18030": "gb18030",
    "GB180302000": "gb18030",
    "GB180302005": "gb18030",
    "GB180302022": "gb18030",
    "GBK": "gb18030",
    "CP936": "gb18030",
    "GB2312": "gb18030",
    "UTF8": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UNICODE": "utf-8",
}
for _codec in set(_CODECS.values()):
    codecs.lookup(_codec)  # now: later the guard may open no file to find it in
_STRICT = (
    "utf-8",
    "gb18030",
    "iso8859-1",
)  # the strictest first: few texts of others are lawful UTF-8
_NOISE = re.compile(r"[\s/_-]")


@lru_cache(maxsize=64)
def codec_of(name: str) -> str | None:
    """Return Python's codec for a name in MSH-18, or None when we do not know it."""
    return _CODECS.get(_NOISE.sub("", name).upper())


def decoded_head(head: bytes, default: str) -> tuple[str, str]:
    """Return the text of an MSH segment and its codec; `default` is a name as in MSH-18.

    The second byte of a GB18030 character may equal a separator, so nothing can be split before it is
    decoded, and the charset stands behind what must be split: the codec is the one whose reading of
    the segment names itself. Raises `BodyRefused`.
    """
    fallback = codec_of(default) or "gb18030"
    if head.isascii():
        text = head.decode("ascii")
        named = _named(text)
        codec = codec_of(named) if named else fallback
        if codec is None:
            raise BodyRefused(path="MSH-18", why=f"unknown charset {named[:40]}")
        return text, codec
    for codec in _STRICT:
        read = _try(head, codec)
        if read is not None and (named := _named(read)) and codec_of(named) == codec:
            return read, codec
    read = _try(head, fallback)
    if read is None or _named(read):
        raise BodyRefused(path="MSH-18", why="the message is not in the charset it names")
    return read, fallback


def decoded(raw: bytes, codec: str) -> str:
    """Return the text of a whole message; raises `BodyRefused`."""
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        raise BodyRefused(
            path="MSH-18", why=f"not {codec} at byte {error.start}", at=error.start
        ) from error


def encoded(text: str, codec: str) -> bytes:
    """Return `text` in `codec`; signs that we put in ourselves become plain ones where it has none."""
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return text.replace("＜", "(").replace("：", ";").encode(codec, "replace")


def _try(head: bytes, codec: str) -> str | None:
    try:
        return head.decode(codec)
    except UnicodeDecodeError:
        return None


def _named(head: str) -> str:
    """The first repetition of MSH-18: others are reached by escapes, which we refuse."""
    fields = head.split(head[3:4]) if len(head) > 3 else []
    if len(fields) < 18:
        return ""
    repetition = fields[1][1:2] or "~"
    return fields[17].split(repetition)[0].strip()
