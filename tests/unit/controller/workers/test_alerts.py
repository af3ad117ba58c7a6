"""Alerts: each rule speaks when it must and is silent when it must; opened once, closed when over."""

import datetime as dt
import socket

import pytest
from cryptography import x509

from appliance import clock
from appliance.ca import Authority
from appliance.syslog import Syslog
from controller.records import alerts as words
from controller.records.exchange import Alert, GatewayMinute, JournalIndex, Proof
from controller.records.session import reading, transaction
from controller.workers import alert_rules, alerts
from controller.workers.alert_rules import Finding, Limits, View
from tests.unit.controller.workers.exchange import Programs, keep, place, transfer


@pytest.fixture
def site(tmp_path):
    return place(tmp_path)


def look(site, rule, *, free=(50, 100), sealed=None, certificates=(), limits=None):
    with reading(site.engine) as session:
        view = View(session, clock.now(), free, sealed, certificates, limits or Limits())
        return list(rule(view))


def ago(**parts):
    return clock.iso(clock.now() - dt.timedelta(**parts))


def index(number=10, *, at="", broken="", paused=()):
    return JournalIndex(
        id=1, number=number, chain="a", at=at or clock.iso(), broken=broken, paused=list(paused)
    )


def test_every_rule_has_words_and_every_word_a_rule(site):
    made = {"proof_open", "proof_old"} | {rule.__name__ for rule in alert_rules.RULES} - {"proof"}
    assert made == set(words.RULES)


def test_dead_letters_are_counted_by_channel_until_they_are_settled(site):
    keep(site, transfer(1), transfer(2, state="dead"), transfer(3, state="dead"))
    assert look(site, alert_rules.dead_letter) == [
        Finding("dead_letter", "booking", "bad", {"number": 2}, 3)
    ]
    with transaction(site.engine) as session:
        for number in (2, 3):
            session.get(type(transfer(9)), number).state = "dropped"
    assert look(site, alert_rules.dead_letter) == []


def test_a_queue_is_old_after_five_minutes_unless_somebody_paused_it(site):
    keep(site, transfer(1, minutes=4, state="accepted"))
    assert look(site, alert_rules.queue_old) == []
    keep(site, transfer(2, minutes=6, state="accepted"))
    [found] = look(site, alert_rules.queue_old)
    assert found.figures == {"number": 2, "minutes": 6}
    keep(site, index(paused=["booking"]))
    assert look(site, alert_rules.queue_old) == []
    assert look(site, alert_rules.paused)[0].figures == {"number": 2}


def test_a_peer_that_is_refused_often_within_a_minute(site):
    keep(site, transfer(1, verdict="refused", rule="gateway.no_channel", minutes=1, count=30))
    assert look(site, alert_rules.refusals) == []
    keep(site, transfer(2, verdict="refused", rule="gateway.no_channel", minutes=1, count=1))
    [found] = look(site, alert_rules.refusals)
    assert (found.subject, found.figures["number"], found.evidence) == ("10.88.0.10", 31, 2)
    old = transfer(3, verdict="refused", peer="10.88.0.9", minutes=30, count=500)
    keep(site, old)
    assert [f.subject for f in look(site, alert_rules.refusals)] == ["10.88.0.10"]


def test_personal_numbers_and_malware_are_told_for_a_day(site):
    assert look(site, alert_rules.personal_number) == look(site, alert_rules.malware) == []
    keep(
        site,
        transfer(1, found="id-card:2"),
        transfer(2, found="phone:1", minutes=60 * 25),
        transfer(3, verdict="refused", rule="gateway.malware", note="Eicar-Test-Signature"),
    )
    [personal] = look(site, alert_rules.personal_number)
    assert personal.figures == {"number": 1, "most": "id-card:2"}
    [virus] = look(site, alert_rules.malware)
    assert virus.figures["most"] == "Eicar-Test-Signature"
    assert virus.tone == "bad"


def test_a_scanner_that_is_away_is_told_while_files_are_refused_for_it(site):
    keep(site, transfer(1, verdict="refused", rule="gateway.scanner_away", minutes=20))
    assert look(site, alert_rules.scanner_away) == []
    keep(site, transfer(2, verdict="refused", rule="gateway.scanner_away", minutes=1, count=3))
    assert look(site, alert_rules.scanner_away)[0].figures["number"] == 3


def test_silence_is_measured_against_the_channels_own_rhythm(site):
    regular = [transfer(n, minutes=200 - n) for n in range(1, 101)]  # one a minute, then quiet
    keep(site, *regular)
    [found] = look(site, alert_rules.silent)
    assert found.figures == {"minutes": 100, "usual": 30}
    rare = [
        transfer(200 + n, minutes=9000 - 110 * n, channel="reports") for n in range(60)
    ]  # silent for longer than two hours is nothing unusual here
    keep(site, *rare, transfer(400, minutes=150, channel="reports"))
    assert [f.subject for f in look(site, alert_rules.silent)] == ["booking"]
    keep(site, transfer(500, minutes=1))
    assert look(site, alert_rules.silent) == []


@pytest.mark.parametrize(("free", "tones"), [(50, []), (9, ["warn"]), (1, ["bad"])])
def test_a_disk_that_runs_full(site, free, tones):
    assert [f.tone for f in look(site, alert_rules.journal_full, free=(free, 100))] == tones


def test_refusals_for_a_full_journal_are_bad_however_much_is_free_now(site):
    keep(site, transfer(1, verdict="refused", rule="gateway.journal_full", minutes=1))
    assert [f.tone for f in look(site, alert_rules.journal_full)] == ["bad"]


def test_a_broken_journal(site):
    assert look(site, alert_rules.journal_broken) == []
    keep(site, index(broken="at record 7"))
    assert look(site, alert_rules.journal_broken)[0].figures == {"most": "at record 7"}


def test_proofs_that_found_a_way_or_are_old(site):
    assert look(site, alert_rules.proof) == []
    keep(site, Proof(id="1", at=ago(hours=30), level="L1", open_ways=0, document={}))
    assert [(f.rule, f.figures) for f in look(site, alert_rules.proof)] == [
        ("proof_old", {"hours": 30})
    ]
    keep(site, Proof(id="2", at=ago(hours=1), level="L1", open_ways=2, document={}))
    assert [f.rule for f in look(site, alert_rules.proof)] == ["proof_open"]


def test_a_head_that_nobody_signs(site):
    keep(site, index(number=10, at=ago(minutes=30)))
    assert look(site, alert_rules.head_unsealed)[0].figures == {"minutes": 30}
    assert look(site, alert_rules.head_unsealed, sealed=(9, ago(minutes=2))) == []
    assert look(site, alert_rules.head_unsealed, sealed=(10, ago(hours=9))) == []
    assert look(site, alert_rules.head_unsealed, sealed=(9, ago(minutes=11)))


def test_a_certificate_that_ends_soon(site, tmp_path):
    authority = Authority(tmp_path / "ca.crt", tmp_path / "ca.key")
    authority.ensure("x")
    path = tmp_path / "ca.crt"
    ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    assert look(site, alert_rules.certificate, certificates=(path,)) == []
    left = (ends - clock.now()).days + 1
    [found] = look(
        site, alert_rules.certificate, certificates=(path,), limits=Limits(certificate_days=left)
    )
    assert (found.subject, found.figures) == ("ca.crt", {"days": left - 1})


def test_a_gateway_that_does_not_run_is_told_after_the_second_look(site):
    keep(site, GatewayMinute(minute="2026-11-22T00:01", alive=False, starts=0))
    assert look(site, alert_rules.gateway_down) == []
    keep(site, GatewayMinute(minute="2026-11-22T00:02", alive=False, starts=0))
    assert look(site, alert_rules.gateway_down)
    keep(site, GatewayMinute(minute="2026-11-22T00:03", alive=True, starts=0))
    assert look(site, alert_rules.gateway_down) == []


def settled(site, *found):
    with transaction(site.engine) as session:
        return [(change, alert.rule) for change, alert in alerts.settle(session, found)]


def all_alerts(site):
    with reading(site.engine) as session:
        return words.many(session)


def test_an_alert_is_opened_once_kept_up_to_date_and_closed(site):
    one = Finding("dead_letter", "booking", "bad", {"number": 1}, 5)
    assert settled(site, one) == [("opened", "dead_letter")]
    assert settled(site, Finding("dead_letter", "booking", "bad", {"number": 2}, 6)) == []
    [row] = all_alerts(site)
    assert (row.facts, row.evidence, row.closed_at) == ({"number": 2}, 6, None)
    assert settled(site) == [("closed", "dead_letter")]
    assert all_alerts(site)[0].closed_at is not None
    assert settled(site, one) == [("opened", "dead_letter")]
    assert len(all_alerts(site)) == 2


def test_what_happens_again_after_somebody_saw_to_it_is_a_new_alert(site):
    virus = Finding("malware", "files", "bad", {"number": 1, "most": "x"}, 5)
    settled(site, virus)
    [row] = all_alerts(site)
    with transaction(site.engine) as session:
        alerts.acknowledge(session, row.id, "secadmin")
        alerts.acknowledge(session, row.id, "sysadmin")
    assert all_alerts(site)[0].acknowledged_by == "secadmin"
    assert settled(site, virus) == []
    again = Finding("malware", "files", "bad", {"number": 2, "most": "x"}, 9)
    assert settled(site, again) == [("opened", "malware")]
    assert sorted(a.closed_at is None for a in all_alerts(site)) == [False, True]


def test_a_row_that_somebody_spoiled_is_still_shown():
    odd = Alert(rule="dead_letter", subject="{x}", tone="bad", facts={})
    assert words.what(odd).zh == "通道 {x} 有 ? 条消息无法送达"
    assert "没有" not in words.what(Alert(rule="none", subject="s", tone="bad", facts={})).zh


def test_the_whole_watch_tells_syslog(site, tmp_path):
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(path))
        ear.settimeout(3)
        keep(site, transfer(1, state="dead"))
        assert alerts.watch(site, Syslog(local=path)) >= 1
        told = ear.recv(4096).decode()
    assert "gateway alert opened rule=dead_letter subject=booking" in told
    assert told.startswith("<179>hbox: ")  # local6.err


def test_a_minute_in_which_the_gateway_ran_once_counts_as_running(site):
    host: Programs = site.home.host
    host.code = 3
    alerts.look(site)
    host.code = 0
    alerts.look(site)
    with reading(site.engine) as session:
        rows = session.query(GatewayMinute).all()
    assert any(row.alive for row in rows)
    assert host.asked[0][:2] == ["systemctl", "is-active"]
