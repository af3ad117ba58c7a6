"""A person's first-boot data: what may stand in it, and that nothing of it becomes ours."""

import email

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.errors import BadInput
from controller.actions import user_data
from controller.drivers.seed import Card, Guest, seed_files

GUEST = Guest("6f1c", "hut", "10.88.0.0/24", (Card("52:54:0a:58:00:0a", "10.88.0.10"),))
GOOD = "#cloud-config\nruncmd:\n- [touch, /x]\nusers: [{name: a}]\n"


@pytest.mark.parametrize("text", ["", GOOD, "#cloud-config\n", "#cloud-config\r\nruncmd: []\r\n"])
def test_lawful_data(text):
    user_data.sound(text)


@pytest.mark.parametrize(
    "text",
    [
        "runcmd: []", "#!/bin/sh\nreboot", "#include\nhttp://x/", "## template: jinja\n#cloud-config\n",
        "Content-Type: multipart/mixed; boundary=x\n\n", "#cloud-config\n- a", "#cloud-config\nx",
        "#cloud-config\nhostname: evil\n", "#cloud-config\n{network: {version: 2}}",
        "#cloud-config\n'merge_how': x", "#cloud-config\n? fqdn\n: a.b\n",
        "#cloud-config\nvendor_data: {enabled: false}\n",
        "#cloud-config\na: &a {hostname: x}\n<<: *a\n", "#cloud-config\na: 1\n---\nhostname: x\n",
        "#cloud-config\n1: x\n", "#cloud-config\na: !!python/object/apply:os.system [ls]\n",
        "#cloud-config\na: \x00", "#cloud-config\n" + "[" * 5000, "#cloud-config\na: '\ud800'\n",
        "#cloud-config-archive\n- x", "#cloud-config\n" + "a" * 70000, "#cloud-config\na: 2026-13-77",
    ],
)  # fmt: skip
def test_unlawful_data_is_refused_with_a_reason(text):
    with pytest.raises(BadInput) as told:
        user_data.sound(text)
    assert told.value.fields["what"] == "user_data"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
@example("\n---\nhostname: x")
def test_nothing_but_a_reason_ever_comes_of_text(text):
    try:
        user_data.sound("#cloud-config\n" + text)
    except BadInput:
        return
    told = yaml.safe_load(text)
    assert told is None or not set(told) & user_data.RESERVED


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_what_a_person_gives_is_handed_on_to_the_byte_and_ours_stands_apart(text):
    given_text = "#cloud-config\n" + text.encode("utf-8", "replace").decode()
    for renew in (False, True):
        files = seed_files(GUEST, given_text, renew=renew)
        assert files["user-data"] == given_text.encode()
        plain = seed_files(GUEST)["user-data"]
        assert files["meta-data"] == seed_files(GUEST)["meta-data"]
        if renew:
            config, hook = email.message_from_bytes(files["vendor-data"]).get_payload()
            assert config.get_payload(decode=True) == plain
            assert config.get_content_type() == "text/cloud-config"
            assert hook.get_content_type() == "text/cloud-boothook"
            assert hook.get_payload(decode=True).startswith(b"#cloud-boothook\n#!/bin/sh\n")
        else:
            assert files["vendor-data"] == plain


def test_a_clone_without_data_of_its_own_gets_the_hook_alone():
    files = seed_files(GUEST, renew=True)
    assert files["user-data"].startswith(b"#cloud-config\n")
    assert files["vendor-data"].startswith(b"#cloud-boothook\n#!/bin/sh\n")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_a_hostile_name_stays_one_word_of_yaml(name):
    guest = Guest("6f1c", name, "10.88.0.0/24", GUEST.cards)
    files = seed_files(guest)
    assert yaml.safe_load(files["meta-data"]) == {"instance-id": "6f1c", "local-hostname": name}
    assert yaml.safe_load(files["user-data"])["users"] == []


def test_each_card_has_its_own_address():
    cards = (*GUEST.cards, Card("52:54:0a:58:00:0b", "10.88.0.11"))
    told = yaml.safe_load(seed_files(Guest("x", "y", "10.88.0.0/24", cards))["network-config"])
    links = told["ethernets"]
    assert [link["addresses"] for link in links.values()] == [["10.88.0.10/24"], ["10.88.0.11/24"]]
    assert len(links) == 2
