"""Every generated personal number is found, wherever it stands; what only looks like one is not."""

import json

import pytest
from faker import Faker

from network.gateway import dlp

COUNT = 2000
GENERATORS = {"id-card": "ssn", "phone": "phone_number", "bank-card": "credit_card_number"}


def framed(number: str) -> list[str]:
    """The same number in a sentence, in an HL7 v2 segment and in JSON."""
    return [
        f"患者登记号{number}，复诊。",
        f"PID|1||100001^^^HIS||张三||19900307|M|||{number}||||||\rPV1|1|O",
        json.dumps({"resourceType": "Patient", "text": number}, ensure_ascii=False),
    ]


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_all_generated_numbers_are_found(kind):
    faker = Faker("zh_CN")
    faker.seed_instance(20261121)
    missed = []
    for number in (getattr(faker, GENERATORS[kind])() for _ in range(COUNT)):
        for text in framed(number):
            found = [text[h.start : h.end] for h in dlp.find(text) if h.kind == kind]
            if found != [number] or not dlp.suspicious(text.encode()):
                missed.append((number, text))
    assert missed == []


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_a_wrong_check_digit_is_no_number(kind):
    if kind == "phone":
        assert dlp.find("12345678901 23812345678") == ()
        return
    faker = Faker("zh_CN")
    faker.seed_instance(7)
    for number in (getattr(faker, GENERATORS[kind])() for _ in range(200)):
        last = "0123456789"[(int(number[-2]) + 1) % 10]
        wrong = number[:-2] + last + number[-1]
        assert [h for h in dlp.find(wrong) if h.kind == kind] == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("１３８１２３４５６７８", "phone"),
        ("138－1234－5678", "phone"),
        ("138\u30001234\u30005678", "phone"),
        ("138–1234–5678", "phone"),
        ("138\u00ad1234\u200b\u20605678", "phone"),
        ("1\u200b\u200b38\u200b\u200b12345678", "phone"),
        ("+86 138-1234-5678", "phone"),
        ("电话0571-87654321转", "phone"),
        ("010 62345678", "phone"),
        ("phone13812345678", "phone"),
        ("110101 19900307 4477", "id-card"),
        ("1 1 0 1 0 1 1 9 9 0 0 3 0 7 4 4 7 7", "id-card"),
        ("身份证11010519491231002x号", "id-card"),
        ("旧证130503670401001。", "id-card"),
        ("6222 0212 3456 7890 128", "bank-card"),
    ],
)
def test_other_ways_of_writing_are_found(text, kind):
    assert [hit.kind for hit in dlp.find(text)] == [kind]
    assert dlp.suspicious(text.encode())


def test_signs_that_are_not_seen_are_part_of_the_number_they_part():
    (hit,) = dlp.find("电话\u200b138\u200b\u200b1234\u00ad5678\u200b完")
    assert (hit.start, hit.end) == (3, 17)


@pytest.mark.parametrize(
    "text",
    [
        "20261121093000",  # an HL7 timestamp
        "2026-11-21T09:30:00.000+08:00",
        "1.2.156.13812345678.1",  # an OID
        "3.13812345678",
        "9f13812345678abc",  # part of a digest
        "99990119900307447X",  # no such province
        "110101209903074477",  # not yet born
        "110101199002304477",  # no such day
        "4111111111111112",  # Luhn does not hold
        "8211111111111111",  # no issuer
        "12 13 14 15 16 17 18 19 20 21 22 23 24",
        "",
    ],
)
def test_what_only_looks_like_one_is_none(text):
    assert dlp.find(text) == ()


def test_allowed_kinds_pass_and_the_rest_is_counted():
    text = "13812345678 / 13912345678 / 110101199003074477"
    assert dlp.summary(dlp.find(text)) == "id-card:1,phone:2"
    assert dlp.summary(dlp.find(text, frozenset({"phone"}))) == "id-card:1"


def test_a_document_without_long_numbers_is_not_suspicious():
    assert not dlp.suspicious(b'{"status":"booked","start":"2026-11-21T09:30:00+08:00"}')
    assert dlp.suspicious("１３８１２３４５６７８".encode())
