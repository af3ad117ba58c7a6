"""Text of unknown origin cannot become a formula, break a file, or hide what it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.exports.harmless import CELL_LIMIT, NAME_LIMIT, cell, cut, names, plain, stored

ANY = st.text(st.characters(codec=None, exclude_categories=()))  # halves of surrogate pairs too


def units(text):
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    "formula",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =cmd|' /C calc'!A0", "\n=1", "＝1+1", "＠x"],
)
def test_what_begins_a_formula_gets_an_apostrophe(formula):
    assert cell(formula).startswith("'")
    assert formula.strip()[-1] in cell(formula)


@pytest.mark.parametrize("fine", ["符合", "8.1.4", "x=1", "a-b", "", "'quoted"])
def test_what_begins_none_stays_as_it_is(fine):
    assert cell(fine) == fine


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\x00b", "a\\x00b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("\ufffe", "\\ufffe"),
        ("a\u200bb", "a\\u200bb"),
        ("\U0001fffe", "\\U0001fffe"),
        ("1\r\n2\t3", "1\n2\t3"),
        ("\r=1", "\\x0d=1"),
        ("龘🙂", "龘🙂"),
    ],
)
def test_what_cannot_be_seen_is_written_out(sent, seen):
    assert plain(sent) == seen


def test_a_cell_is_cut_where_spreadsheets_end_and_says_so():
    long = cell("字" * 40_000)
    assert units(long) <= CELL_LIMIT
    assert long.endswith("cut）")
    emoji = cell("🙂" * 40_000)
    assert CELL_LIMIT - 4 <= units(emoji) <= CELL_LIMIT
    assert cut("x" * 50, 50) == "x" * 50


def test_an_escape_of_the_file_form_is_text_and_no_escape():
    assert stored("_x003D_1+1") == "_x005F_x003D_1+1"
    assert units(stored("_x003D_" * 6000)) <= CELL_LIMIT


def test_names_of_sheets_are_allowed_and_each_there_once():
    wanted = ["a/b:c*d?[e]\\", "x" * 50, "X" * 50, "", "'", "History", "总览", "总览", "🙂" * 40]
    made = names(wanted)
    assert made[0] == "a b c d e"
    assert len({one.casefold() for one in made}) == len(wanted)
    assert "history" not in {one.casefold() for one in made}
    assert all(0 < units(one) <= NAME_LIMIT for one in made)


@given(ANY)
def test_any_text_is_harmless_in_a_cell(text):
    made = cell(text)
    made.encode()
    assert units(made) <= CELL_LIMIT
    assert not re.match(r"\s*[=+\-@\t\r]", made)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ufffe\uffff]", made)


@given(st.lists(ANY, max_size=8))
def test_any_names_give_names_of_sheets(wanted):
    made = names(wanted)
    assert len(made) == len(wanted) == len({one.casefold() for one in made})
    for one in made:
        assert 0 < units(one) <= NAME_LIMIT
        assert not re.search(r"[\[\]:*?/\\\x00-\x1f]", one)
        assert not one.startswith("'")
        assert not one.endswith("'")
