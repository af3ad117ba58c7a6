"""Every error class in the tree can be made, shown in both languages and turned into JSON."""

import importlib
import json
import pkgutil
import string

import pytest

import appliance
from appliance.errors import BoxError

PACKAGES = ("appliance", "hardware", "network", "images", "compliance", "controller")


def tree(root: type[BoxError]) -> list[type[BoxError]]:
    return [root, *(below for child in root.__subclasses__() for below in tree(child))]


def every_error() -> list[type[BoxError]]:
    for name in PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if found.name.split(".")[-1] in {"errors", "refusals"}:
                importlib.import_module(found.name)
    return [c for c in tree(BoxError) if c.__module__.split(".")[0] in PACKAGES]


@pytest.mark.parametrize("kind", every_error(), ids=lambda c: f"{c.__module__}.{c.__name__}")
def test_an_error_speaks_both_languages(kind):
    texts = (kind.text.zh, kind.text.en, kind.hint.zh, kind.hint.en)
    names = {field for text in texts for _, field, _, _ in string.Formatter().parse(text) if field}
    error = kind.__new__(kind)  # some take arguments of their own and make the fields from them
    BoxError.__init__(error, **dict.fromkeys(names, "x"))
    shown = json.loads(json.dumps(BoxError.as_dict(error), ensure_ascii=False))
    assert shown["code"] == kind.code
    for part in ("message", "hint"):
        assert any("\u4e00" <= c <= "\u9fff" for c in shown[part]["zh"])
        assert shown[part]["en"].isascii() or "…" in shown[part]["en"]


def test_the_tree_is_not_empty():
    assert appliance.__doc__
    assert len(every_error()) > 12
