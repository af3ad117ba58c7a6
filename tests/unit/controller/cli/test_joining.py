"""The joining machine checks the box before it opens itself, and itself before it asks."""

import datetime as dt
import sqlite3

import pytest

from appliance import clock, joining
from appliance.secret import Secret
from controller.cli import client
from controller.cli import joining as side
from controller.cli.client import Box, NotHome, Told

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOV34XBJz hbox-controller"


def invitation(site, *, authority=None, address=None):
    pem = (site.controller.settings.state / "tls" / "ca.crt").read_text()
    return joining.Invitation(
        "id",
        authority or joining.fingerprint(pem),
        (address or f"127.0.0.1:{site.port}",),
        Secret("s"),
        "",
    )


def test_the_right_box_is_spoken_to_over_verified_tls(site):
    line = side.connect(invitation(site))
    with pytest.raises(Told) as told:
        line.ask("POST", "/join/progress", {"secret": "wrong"})
    assert told.value.code == "join.token_unknown"


def test_another_box_is_refused_before_anything_is_said(site):
    with pytest.raises(side.OtherBox):
        side.connect(invitation(site, authority="0" * 64))


def test_nobody_there_is_told_so(site):
    with pytest.raises(side.NoAnswer):
        side.connect(invitation(site, address="127.0.0.1:1"))


def test_the_controller_is_let_in_from_its_address_only_and_out_again(tmp_path, monkeypatch):
    path = tmp_path / "authorized_keys"
    path.write_text("ssh-ed25519 AAAA somebody\n")
    monkeypatch.setattr(side, "_AUTHORIZED", path)
    side.authorise(KEY, ["10.77.0.10"])
    side.authorise(KEY, ["10.77.0.10"])
    own, ours = path.read_text().splitlines()
    assert own == "ssh-ed25519 AAAA somebody"
    assert ours.startswith('from="10.77.0.10",no-agent-forwarding,no-port-forwarding')
    assert path.stat().st_mode & 0o777 == 0o600
    side.authorise("", [])
    assert path.read_text() == "ssh-ed25519 AAAA somebody\n"


def test_a_key_cannot_bring_options_or_lines_along(tmp_path, monkeypatch):
    path = tmp_path / "authorized_keys"
    monkeypatch.setattr(side, "_AUTHORIZED", path)
    side.authorise("ssh-ed25519 AAAA x\nssh-ed25519 BBBB evil", ["10.77.0.10"])
    assert len(path.read_text().splitlines()) == 1
    assert "BBBB" not in path.read_text()


def test_clocks_that_differ_are_refused():
    side._same_time(clock.iso())
    with pytest.raises(side.ClockSkew, match="300"):
        side._same_time(clock.iso(clock.now() - dt.timedelta(seconds=300)))


@pytest.mark.parametrize("table", ["vms", "modules", "volumes", "templates", "nodes"])
def test_a_machine_with_records_of_its_own_is_told_what_is_in_the_way(tmp_path, table):
    path = tmp_path / "hbox.sqlite"
    with sqlite3.connect(path) as link:
        for name in (*side._RECORDS, "nodes"):
            link.execute(f"CREATE TABLE {name} (id)")
        link.execute("INSERT INTO nodes VALUES (1)")
        link.commit()
        side._no_rows(path)
        link.execute(f"INSERT INTO {table} VALUES (2)")
        link.commit()
    link.close()
    with pytest.raises(side.HasRecords, match=table):
        side._no_rows(path)


def test_a_member_says_where_the_controller_is(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "MEMBER", tmp_path / "member.json")
    (tmp_path / "member.json").write_text('{"controller": "10.77.0.10"}')
    with pytest.raises(NotHome, match=r"10\.77\.0\.10"):
        Box(tmp_path / "none.sock").get("/vms")
