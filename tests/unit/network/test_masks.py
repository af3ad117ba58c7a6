"""What each masking profile leaves of a value."""

import pytest

from network.gateway import dlp, inert, masks


@pytest.mark.parametrize(
    ("profile", "value", "left"),
    [
        ("name", "张三", "张*"),
        ("name", "欧阳修远", "欧**"),
        ("name", "Smith", "S**"),
        ("name", "1正", "1**"),
        ("name", "", ""),
        ("id-card", "110101199003074477", "110101************"),
        ("phone", "13812345678", "138****5678"),
        ("phone", "1234", "****"),
        ("bank-card", "6222021234567890128", "622202*********0128"),
        ("address", "浙江省杭州市西湖区文三路1号", "浙江省杭州市***"),
        ("address", "文三路1号", "文三***"),
        ("address", "朝阳路100号都市花园3号楼", "朝阳***"),
        ("address", "北京市朝阳路12号院小区3栋", "北京市***"),
        ("address", "内蒙古自治区呼和浩特市新城区", "内蒙古自治区呼和浩特市***"),
        ("birth-year", "1990-03-07", "1990"),
        ("birth-year", "1990-03-07T08:00:00Z", "1990"),
        ("birth-year", "19900307", "1990"),
        ("birth-year", "199003070830+0800", "1990"),
        ("birth-year", "born in spring", ""),
        ("mail", "zhang.san@example.org", "z***@example.org"),
        ("mail", "zhang", "***"),
        ("record-number", "A00012345", "*****2345"),
        ("all", "anything at all", "********"),
    ],
)
def test_a_profile_leaves_what_its_annex_leaves(profile, value, left):
    assert masks.apply(profile, value) == left
    assert masks.apply(profile, left) == left


def test_no_profile_leaves_a_personal_number():
    for profile in masks.PROFILES:
        for number in ("110101199003074477", "13812345678", "6222021234567890128"):
            assert dlp.find(masks.apply(profile, number)) == ()


def test_numbers_are_masked_where_they_stand():
    text = "电话13812345678，证号110101199003074477。"
    places = [(hit.kind, hit.start, hit.end) for hit in dlp.find(text)]
    assert masks.numbers(text, places) == "电话138****5678，证号110101************。"


def test_an_unknown_profile_is_known_as_such():
    assert masks.known("")
    assert masks.known("name")
    assert not masks.known("nothing")


@pytest.mark.parametrize(
    ("value", "made", "changed"),
    [
        ("p < 0.05, <5 mg/L, a<b", "p < 0.05, <5 mg/L, a＜b", 1),
        ("p < 0.05 and <5 mg/L", "p < 0.05 and <5 mg/L", 0),
        ("<script>x</script>", "＜script>x＜/script>", 2),
        ("<!-- x --><?xml?>", "＜!-- x -->＜?xml?>", 2),
        ("see javascript:alert(1)", "see javascript：alert(1)", 1),
        ("JaVa script :x", "JaVa script：x", 1),
        ("data: text/html;base64,x", "data： text/html;base64,x", 1),
        ("data: 5 mg", "data: 5 mg", 0),
        ("用药\u202e反向", "用药反向", 1),
        ("普通文字", "普通文字", 0),
    ],
)
def test_markup_in_free_text_is_made_inert(value, made, changed):
    assert inert.text(value) == (made, changed)
    assert inert.text(made) == (made, 0)
