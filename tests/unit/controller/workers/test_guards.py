"""What the guards said becomes figures for alerts: by source, within the hour, whatever else the log holds."""

import datetime as dt
import json

from controller.workers.guards import Guards, Intrusion, intrusions, read

NOW = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)


def line(source: str, signature: str, minutes: int = 1, *, node: str = "n1") -> str:
    at = (NOW - dt.timedelta(minutes=minutes)).isoformat()
    event = {"event_type": "alert", "src_ip": source, "alert": {"signature": signature}}
    return f"{at} 127.0.0.1 {at} {node} suricata[207] {json.dumps(event, ensure_ascii=False)}"


def test_alarms_are_told_by_source_the_busiest_first():
    lines = [line("10.88.0.7", "扫描"), *[line("10.66.0.9", "SMB", n) for n in range(3)]]
    assert intrusions(iter(lines), NOW) == [
        Intrusion("10.66.0.9", 3, "SMB"),
        Intrusion("10.88.0.7", 1, "扫描"),
    ]


def test_what_is_older_than_an_hour_is_over():
    assert intrusions(iter([line("10.88.0.7", "x", 61)]), NOW) == []


def test_lines_that_are_none_of_the_detectors_are_left_out():
    whole = line("10.88.0.7", "x")
    forged = [
        whole.replace("suricata[", "sshd["),
        whole[:-9],
        whole.replace('"event_type": "alert"', '"event_type": "flow"'),
        f"{NOW.isoformat()} a b c suricata[1] [1, 2]",
        f'{NOW.isoformat()} a b c suricata[1] {{"event_type": "alert", "alert": 3, "src_ip": 7}}',
        "",
    ]
    assert intrusions(iter(forged), NOW) == [Intrusion("7", 1, "?")]


def test_a_thousand_sources_are_ten_alerts():
    lines = (line(f"10.88.{n // 250}.{n % 250}", "x") for n in range(1000))
    assert len(intrusions(lines, NOW)) == 10


def test_all_nodes_days_files_and_plan_are_read(tmp_path):
    for node in ("n1", "n2"):
        (tmp_path / node).mkdir()
        (tmp_path / node / "2026-11-22.log").write_text(line("10.88.0.7", "x", node=node) + "\n")
    report = tmp_path / "aide.log"
    report.write_text("Summary:\n  Added entries:\t\t1\n  Changed entries:\t\t2\n")
    plan = {"enough": False, "needed": 30 << 20, "free": 10 << 20}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    assert read(NOW, tmp_path, report) == Guards((Intrusion("10.88.0.7", 2, "x"),), 3, False, 20)


def test_where_nothing_lies_nothing_is_told(tmp_path):
    (tmp_path / "plan.json").write_text("[")
    assert read(NOW, tmp_path / "none", tmp_path / "aide.log") == Guards()
    assert read(NOW, tmp_path, tmp_path / "aide.log") == Guards()
