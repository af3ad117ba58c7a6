"""What was there before is put back byte for byte, whatever was done to it meanwhile."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.host import LocalHost, Result
from compliance import restore
from compliance.before import VOLATILE, capture, differences, put_back
from compliance.remedies import REMEDIES
from compliance.remedies.host import SYSCTL
from compliance.remedies.model import ADDRESSES, RULES, within

ALL = ("/etc/**",)


class Node(LocalHost):
    """This machine but for systemctl, nft and ip, which act on what it holds."""

    def __init__(self, units=None, rules="", addresses=()):
        self.addresses = {tuple(one.split()) for one in addresses}
        self.units = units or {}
        self.rules = rules
        self.asked = []

    def run(self, argv, *, stdin=b"", **given):
        if argv[0] == "nft":
            if argv[1] == "-f":
                self.rules = stdin.decode().removeprefix("flush ruleset\n")
            return Result(tuple(argv), 0, self.rules.encode(), b"")
        if argv[0] == "ip":
            return Result(tuple(argv), 0, self._ip(argv[1:]), b"")
        assert argv[0] == "systemctl"
        self.asked.append(argv[1:])
        state = {"start": "active", "reload-or-restart": "active", "stop": "inactive"}.get(argv[1])
        if state:
            self.units[argv[2]] = state
        told = [self.units.get(unit, "inactive") for unit in argv[2:]]
        return Result(tuple(argv), 0, "\n".join(told).encode(), b"")

    def _ip(self, words):
        if words[0] == "address":
            change = {"add": self.addresses.add, "del": self.addresses.discard}[words[1]]
            change(tuple(words[2:]))
            return b""
        links = {}
        for address, _, broadcast, _, scope, _, name in sorted(self.addresses):
            local, _, length = address.partition("/")
            one = {"local": local, "prefixlen": int(length), "broadcast": broadcast, "scope": scope}
            links.setdefault(name, []).append(one)
        told = [{"ifname": name, "addr_info": held} for name, held in links.items()]
        return json.dumps([{"ifname": "none", "flags": []}, *told]).encode()


@pytest.fixture
def root(tmp_path):
    """A little /etc: files of several modes, a link, folders, an empty file, bytes that are no text."""
    etc = tmp_path / "etc"
    (etc / "pam.d").mkdir(parents=True)
    (etc / "empty").mkdir(mode=0o750)
    (etc / "pam.d" / "sshd").write_bytes(b"auth required pam_unix.so\n")
    (etc / "shadow").write_bytes(b"root:!:1::::::\n\xff\x00")
    (etc / "shadow").chmod(0o640)
    (etc / "nothing").touch(mode=0o4755)
    (etc / "link").symlink_to("pam.d/sshd")
    return str(tmp_path)


def tree(root):
    """All that there is, as find and sha256sum would tell it."""
    found = {}
    for path in sorted(Path(root).rglob("*")):
        held = path.lstat()
        content = (
            path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        )
        mode = 0 if path.is_symlink() else stat.S_IMODE(held.st_mode)
        found[str(path)] = (mode, held.st_uid, held.st_gid, content)
    return found


def _write(root):
    Path(root, "etc/pam.d/sshd").write_bytes(b"x")


def _mode(root):
    Path(root, "etc/shadow").chmod(0o666)


def _owner(root):
    os.chown(Path(root, "etc/nothing"), os.getuid(), os.getgid())
    Path(root, "etc/nothing").chmod(0o4700)


def _gone(root):
    shutil.rmtree(Path(root, "etc/pam.d"))


def _new(root):
    Path(root, "etc/new/deep").mkdir(parents=True)
    Path(root, "etc/new/deep/file").write_text("x")


def _other(root):
    Path(root, "etc/shadow").unlink()
    Path(root, "etc/shadow").symlink_to("/dev/null")


def _folder(root):
    Path(root, "etc/link").unlink()
    Path(root, "etc/link").mkdir()
    Path(root, "etc/link/in").touch()


def _masked(root):
    shutil.rmtree(Path(root, "etc/empty"))
    Path(root, "etc/empty").symlink_to("/dev/null")


HARM = (_write, _mode, _owner, _gone, _new, _other, _folder, _masked)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(HARM), min_size=1, max_size=5, unique=True))
def test_it_is_put_back_byte_for_byte_whatever_was_done(root, harms):
    before, was = capture(ALL, root=root), tree(root)
    for harm in harms:
        try:
            harm(root)
        except OSError:
            continue  # what an earlier one took away
    moved = put_back(before, ALL, root=root)
    assert tree(root) == was
    assert put_back(before, ALL, root=root) == []
    assert moved or set(harms) <= {_owner}


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_an_owner_and_an_attribute_come_back(root):
    path = Path(root, "etc/shadow")
    os.setxattr(path, "user.hbox", b"1")
    before = capture(ALL, root=root)
    os.chown(path, 7, 7)
    os.setxattr(path, "user.more", b"2")
    os.removexattr(path, "user.hbox")
    assert differences(before, capture(ALL, root=root)) == {"/etc/shadow": "changed"}
    put_back(before, ALL, root=root)
    assert (path.stat().st_uid, path.stat().st_gid) == (0, 0)
    assert os.listxattr(path) == ["user.hbox"]


def test_a_mode_alone_is_told_apart_from_content_and_content_is_then_left_alone(root):
    patterns = ("modes:/etc/shadow", "modes:/etc/pam.d/**")
    before = capture(patterns, root=root)
    assert all("data" not in one and "sha256" not in one for one in before.values())
    _mode(root)
    _write(root)
    Path(root, "etc/pam.d/other").touch()
    assert differences(before, capture(patterns, root=root)) == {"/etc/shadow": "mode"}
    put_back(before, patterns, root=root)
    assert stat.S_IMODE(Path(root, "etc/shadow").stat().st_mode) == 0o640
    assert Path(root, "etc/pam.d/sshd").read_bytes() == b"x"
    assert Path(root, "etc/pam.d/other").exists()


def test_what_is_open_is_found_as_the_checks_find_it_and_its_mode_comes_back(root):
    Path(root, "etc/stray").touch()
    Path(root, "etc/stray").chmod(0o666)
    Path(root, "etc/tmp").mkdir()
    Path(root, "etc/tmp").chmod(0o1777)
    before = capture(("open:/",), root=root)
    assert set(before) == {"/etc/stray", "/etc/nothing"}
    Path(root, "etc/stray").chmod(0o644)
    Path(root, "etc/nothing").chmod(0o755)
    put_back(before, ("open:/",), root=root)
    assert stat.S_IMODE(Path(root, "etc/stray").stat().st_mode) == 0o666
    assert stat.S_IMODE(Path(root, "etc/nothing").stat().st_mode) == 0o4755


def test_what_changes_by_itself_is_no_difference(root):
    before = capture(ALL, root=root)
    for path in VOLATILE:
        Path(root + path).write_text("x")
    assert differences(before, capture(ALL, root=root)) == {}


def test_a_node_restores_files_units_and_the_filter_and_says_so(root, tmp_path, capsys):
    folder, node = tmp_path / "kept", Node({"ssh": "active"}, "table a {\n}\n")
    asked = {"patterns": ["/etc/pam.d/**", RULES], "guard": ["/etc/**"], "units": ["ssh", "telnet"]}
    was = tree(Path(root, "etc"))
    restore.keep(folder, asked, node, root)
    assert stat.S_IMODE((folder / "before.json").stat().st_mode) == 0o600
    assert restore.look(folder, node, root, digests=False) == {}
    _gone(root)
    _mode(root)
    node.units |= {"ssh": "failed", "telnet": "active"}
    node.rules = ""
    seen = restore.look(folder, node, root, digests=False)
    assert seen == {
        "/etc/pam.d": "gone", "/etc/pam.d/sshd": "gone", "/etc/shadow": "mode", RULES: "changed",
    }  # fmt: skip
    (folder / "armed").touch()
    assert restore.main([str(folder), "--root", root], node) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["left"], told["units"]) == ({}, [])
    assert tree(Path(root, "etc")) == was
    assert node.units == {"ssh": "active", "telnet": "inactive"}
    assert node.rules == "table a {\n}\n"
    assert (folder / "fired").exists()
    assert not (folder / "armed").exists()


def test_what_no_pattern_finds_any_more_is_kept_by_its_name(root, tmp_path):
    asked = {
        "patterns": ["open:/"],
        "known": ["/etc/shadow", "/etc/none"],
        "guard": [],
        "units": [],
    }
    held = restore.keep(tmp_path / "k", asked, Node(), root)
    assert held["entries"]["/etc/shadow"]["mode"] == 0o640
    assert set(held["entries"]) == {"/etc/shadow", "/etc/nothing"}
    _mode(root)
    restore.restore(tmp_path / "k", Node(), root)
    assert stat.S_IMODE(Path(root, "etc/shadow").stat().st_mode) == 0o640


def test_what_a_unit_made_of_itself_goes_with_its_work_and_is_left_where_something_was(
    root, tmp_path
):
    maker = "made:learn.service:/var/lib/learn/base*"
    base = Path(root, "var/lib/learn/base")
    base.parent.mkdir(parents=True)
    asked = {"patterns": [maker], "guard": [], "units": []}
    for there, left in ((False, []), (True, ["base", "base.new"])):
        if there:
            base.write_text("of old")
        node, folder = Node({"learn.service": "inactive"}), tmp_path / f"k{there}"
        restore.keep(folder, asked, node, root)
        node.units["learn.service"] = "active"
        base.write_text("learnt")
        base.with_name("base.new").write_text("half")
        told = restore.restore(folder, node, root)
        assert told["left"] == {}
        assert sorted(path.name for path in base.parent.iterdir()) == left
        assert node.units["learn.service"] == ("active" if there else "inactive")
        assert told["moved"] == (
            [] if there else [f"/var/lib/learn/{n}" for n in ("base", "base.new")]
        )


def test_what_was_stopped_and_masked_runs_again_its_socket_first(root, tmp_path):
    unit = Path(root, "run/systemd/transient/rpcbind.service")
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    surface = REMEDIES["unneeded_units"].surface
    units = ("rpcbind.service", "rpcbind.socket", "cups.service")
    node = Node(dict.fromkeys(units[:2], "active"))
    restore.keep(tmp_path / "k", {"patterns": surface, "guard": [], "units": units}, node, root)
    mask = Path(root, "etc/systemd/system/rpcbind.service")
    mask.parent.mkdir(parents=True)
    mask.symlink_to("/dev/null")
    unit.unlink()
    node.units = {"cups.service": "active"}
    node.asked = []
    assert restore.restore(tmp_path / "k", node, root)["units"] == []
    assert unit.read_text() == "[Service]\nExecStart=/bin/true\n"
    assert not os.path.lexists(mask)
    assert [node.units.get(one) for one in units] == ["active", "active", "inactive"]
    told = [tuple(one) for one in node.asked if one[0] != "is-active"]
    assert told[0] == ("daemon-reload",)
    assert told.index(("reload-or-restart", "rpcbind.socket")) < told.index(
        ("reload-or-restart", "rpcbind.service")
    )


def test_files_and_the_filter_go_back_though_systemd_does_not_answer(root, tmp_path):
    class Silent(Node):
        def run(self, argv, **given):
            done = super().run(argv, **given)
            return Result(done.argv, 1, b"", b"") if argv[0] == "systemctl" else done

    asked = {"patterns": ["/etc/shadow", RULES], "guard": [], "units": ["ssh", "cron"]}
    restore.keep(tmp_path / "k", asked, Node({"ssh": "active"}, "table a {\n}\n"), root)
    _mode(root)
    silent = Silent()
    assert restore.restore(tmp_path / "k", silent, root)["units"] == ["ssh"]
    assert silent.rules == "table a {\n}\n"
    assert stat.S_IMODE(Path(root, "etc/shadow").stat().st_mode) == 0o640


def test_a_unit_that_does_not_come_up_is_named(root, tmp_path):
    class Broken(Node):
        def run(self, argv, **given):
            done = super().run(argv, **given)
            self.units["ssh"] = "failed"
            return done

    node = Node({"ssh": "active"})
    restore.keep(tmp_path / "k", {"patterns": [], "guard": [], "units": ["ssh"]}, node, root)
    assert restore.restore(tmp_path / "k", Broken(), root)["units"] == ["ssh"]


def test_after_a_power_cut_all_that_was_armed_goes_back_at_the_next_start(root, capsys):
    place = Path(root + restore.PLACE)
    for job, armed in (("one", True), ("two", False)):
        restore.keep(
            place / job, {"patterns": ["/etc/shadow"], "guard": [], "units": []}, Node(), root
        )
        if armed:
            (place / job / "armed").touch()
    torn = place / "a-torn"
    torn.mkdir()
    (torn / "armed").touch()
    _mode(root)
    assert restore.main(["--armed", "--root", root], Node()) == 1
    failed, done = json.loads(capsys.readouterr().out)
    assert failed["folder"] == str(torn)
    assert done["moved"] == ["/etc/shadow"]
    assert stat.S_IMODE(Path(root, "etc/shadow").stat().st_mode) == 0o640
    assert not (place / "two" / "fired").exists()


STRAY = "10.66.0.9/24 broadcast 10.66.0.255 scope global dev br-int"
OWN = "192.0.2.7/24 broadcast 192.0.2.255 scope global dev mgmt0"


def test_an_address_in_a_zone_that_went_comes_back_and_no_other_is_touched(tmp_path):
    node = Node(addresses=[STRAY, OWN])
    asked = {"patterns": [ADDRESSES], "guard": [], "units": []}
    restore.keep(tmp_path / "k", asked, node)
    assert restore.look(tmp_path / "k", node, digests=False) == {}
    node.addresses = {tuple(STRAY.replace("br-int", "br-ext").split())}
    seen = restore.look(tmp_path / "k", node, digests=False)
    assert seen == {ADDRESSES: "changed"}
    assert within(ADDRESSES, (ADDRESSES,), seen[ADDRESSES])
    assert restore.restore(tmp_path / "k", node)["moved"] == [ADDRESSES]
    assert node.addresses == {tuple(STRAY.split())}
    assert restore.restore(tmp_path / "k", node)["moved"] == []


def test_who_says_nothing_of_addresses_is_not_asked_for_any(tmp_path):
    node = Node(addresses=[STRAY])
    restore.keep(tmp_path / "k", {"patterns": [RULES], "guard": [], "units": []}, node)
    node.addresses = set()
    assert restore.restore(tmp_path / "k", node)["moved"] == []
    held = json.loads((tmp_path / "k" / "before.json").read_bytes())
    del held["addresses"]  # as it was kept before there were any
    (tmp_path / "k" / "before.json").write_text(json.dumps(held))
    assert restore.look(tmp_path / "k", node, digests=False) == {}


def switch(root, card, value):
    path = Path(f"{root}/proc/sys/net/ipv4/conf/{card}/accept_redirects")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{value}\n")
    return path


def test_a_switch_of_every_interface_comes_back_and_cards_may_come_and_go(root):
    old = [switch(root, card, 1) for card in ("all", "eth0", "eth0.7", "tap0")]
    before = capture(SYSCTL, root=root)
    assert len(before) == len(old)
    for card in ("all", "eth0", "eth0.7", "tap9"):
        switch(root, card, 0)
    shutil.rmtree(old[-1].parent)
    seen = differences(before, capture(SYSCTL, root=root))
    assert set(seen) == {str(path)[len(root) :] for path in old[:-1]}
    assert all(within(path, SYSCTL, how) for path, how in seen.items())
    assert set(put_back(before, SYSCTL, root=root)) == set(seen)
    assert [path.read_text() for path in old[:-1]] == ["1\n"] * 3
    assert switch(root, "tap9", 0).exists(), "a card that came meanwhile is left alone"
    assert not old[-1].exists()
    assert put_back(before, SYSCTL, root=root) == []
