"""The query of a request, made anew from a channel's parameters."""

import re
from urllib.parse import parse_qsl, urlencode

from network.gateway import dlp
from network.gateway.refusals import QueryRefused

# Written anew a query may be three times as long, and no frame holds it.
_QUERY_LIMIT = 2048
_VALUE = re.compile(r"[ -~\u4e00-\u9fff]{0,128}")


def query_anew(allowed: tuple[str, ...], query: str) -> str:
    """Return the query string made anew from `allowed` parameters; raises `QueryRefused`."""
    return urlencode(parameters(allowed, query)) if query else ""


def parameters(allowed: tuple[str, ...], query: str) -> list[tuple[str, str]]:
    """Return the parameters of `query`, all of them `allowed`; raises `QueryRefused`."""
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=16
        )
    except ValueError as error:
        raise QueryRefused(name=query[:40]) from error
    for name, value in pairs:
        if name not in allowed or not _VALUE.fullmatch(value):
            raise QueryRefused(name=name[:40])
    if len(urlencode(pairs)) > _QUERY_LIMIT:
        raise QueryRefused(name="over its bound")
    return pairs


def personal(query: str, kinds: frozenset[str]) -> str:
    """Return the summary of personal numbers in a query made anew that are of none of `kinds`."""
    hits = [hit for _, value in parse_qsl(query) for hit in dlp.find(value, kinds)]
    return dlp.summary(hits)
