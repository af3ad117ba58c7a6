"""A SNOMED CT concept is known by its check digit, and only beside its system."""

import pytest

from network.gateway.fhir.concepts import SYSTEM, concepts, is_concept


@pytest.mark.parametrize(
    "number", ["443051000124104", "73211009", "138875005", "439021000124105", "404684003"]
)
def test_a_concept_is_known_by_its_check_digit(number):
    assert is_concept(number)
    for place in range(len(number)):
        for digit in "0123456789":
            other = number[:place] + digit + number[place + 1 :]
            assert other == number or not is_concept(other)
    for place in range(len(number) - 1):
        other = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        assert other == number or not is_concept(other)


@pytest.mark.parametrize(
    "number",
    ["", "12345", "110105491231003", "44305100012410a", "４４３０５１０００１２４１０４", "1" * 30],
)
def test_other_numbers_are_none(number):
    assert not is_concept(number)


def test_only_what_the_message_calls_so():
    value = {"a": [{"system": SYSTEM, "code": "73211009"}], "b": {"system": "http://x", "code": "138875005"},
             "c": {"system": SYSTEM, "code": "110105491231003"}, "d": {"system": SYSTEM, "code": 404684003}}  # fmt: skip
    assert list(concepts(value)) == ["73211009"]
