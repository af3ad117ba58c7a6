"""What a takeover refuses, and what it changes on the node that takes over."""

import json
import socket

import pytest

from appliance.authorised import FILE, authorised
from appliance.settings import Settings, load
from controller.workers import nodes_network
from controller.workers.records_takeover import (
    FormerRuns,
    NotMember,
    adopt_settings,
    former_home,
    refuse_living,
)
from controller.workers.site import Site


def test_a_machine_that_is_no_member_takes_nothing_over(tmp_path):
    member = tmp_path / "member.json"
    with pytest.raises(NotMember):
        former_home(member)
    member.write_text("{}")
    with pytest.raises(NotMember):
        former_home(member)
    member.write_text(json.dumps({"controller": "10.77.0.10", "name": "n1"}))
    assert former_home(member) == "10.77.0.10"


def test_a_home_node_that_answers_is_not_taken_over_from():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
        with pytest.raises(FormerRuns):
            refuse_living("127.0.0.1", (port,))  # it refuses, and so it lives
        door.listen()
        with pytest.raises(FormerRuns, match=str(port)):
            refuse_living("127.0.0.1", (port,))


def test_the_former_homes_settings_come_along_but_not_its_database(tmp_path):
    settings, file = Settings(state=tmp_path), tmp_path / "etc" / "hbox.toml"
    assert not adopt_settings(settings, file)
    assert not file.exists()
    (tmp_path / "settings.toml").write_text(
        'site_name = "甲医院"\ndatabase_url = "postgresql:///x"\n'
    )
    assert adopt_settings(settings, file)
    assert (load(file).site_name, load(file).database_url) == ("甲医院", "")
    assert file.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("key", "addresses", "line"),
    [
        ("ssh-ed25519 AAAA x", ["10.0.0.2", "10.0.0.1"], 'from="10.0.0.1,10.0.0.2",'),
        ("", ["10.0.0.1"], None),
        ("ssh-ed25519 AAAA x", [], None),
    ],
)
def test_the_controllers_line_is_one_and_names_every_node(key, addresses, line):
    held = 'ssh-rsa BBBB me\nfrom="10.9.9.9",x ssh-ed25519 CCCC hbox-controller\n'
    own, *ours = authorised(held, key, addresses).splitlines()
    assert own == "ssh-rsa BBBB me"
    assert [one.startswith(line) for one in ours] == ([True] if line else [])
    assert authorised(authorised(held, key, addresses), key, addresses) == authorised(
        held, key, addresses
    )


class Files:
    """A node as far as its files go."""

    def __init__(self, **files):
        self.files, self.written = files, []

    def read(self, path):
        return self.files[path]

    def write(self, path, data, *, mode=0o644):
        self.files[path] = data
        self.written.append((path, mode))


def test_a_node_lets_the_controller_in_from_wherever_it_may_come_to_run(tmp_path):
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "nodes.pub").write_text("ssh-ed25519 AAAA hbox-controller\n")
    site, node = (
        Site(Settings(state=tmp_path), None, {}),
        Files(**{str(FILE): b"ssh-rsa BBBB me\n"}),
    )
    for _ in range(2):
        nodes_network._let_in(site, node, ("10.0.0.3", "10.0.0.1"))
    assert node.written == [(str(FILE), 0o600)], "once"
    assert b'from="10.0.0.1,10.0.0.3",' in node.files[str(FILE)]
    nodes_network._let_in(site, node, ("10.0.0.3",))
    assert b"10.0.0.1" not in node.files[str(FILE)], "who is no node any more is shut out"
