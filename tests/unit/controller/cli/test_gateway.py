"""`hbox gateway channel|change|dead`, typed as two persons would, with the real web process and worker."""

import json

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy.orm import Session

from appliance import clock
from appliance.ca import Authority, fingerprint
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller.access.passwords import parameters
from controller.cli import main
from controller.records.exchange import Transfer
from network.gateway import certificates, policy, vault
from network.gateway.journal import Journal
from network.gateway.records import Facts
from tests.unit.controller.cli.typed import at_work, typist
from tests.unit.controller.workers.box import CHANNEL, Box

BODY = b'{"resourceType":"Observation","id":"a1","status":"final"}'
NARROWER = CHANNEL.replace('  { path = "status", type = "code" },\n', "")


@pytest.fixture(scope="module")
def box(site):
    """The worker of the running box, carrying out whatever is asked, until the tests are over."""
    state = site.controller.settings.state
    for name in ("audit", "policy", "report"):
        SigningKey.load_or_new(state / "keys" / f"{name}.key")
    vault.ensure(state / "keys" / vault.FILE)
    (state / "gateway" / "journal").mkdir()
    made = Box(state)
    policy.write(state / "gateway", policy.Policy(1, "now"), made.policy_key)
    with at_work(made):
        yield made


@pytest.fixture
def typed(site, box, monkeypatch, capsys):
    """Type one command as the system or the security administrator."""
    monkeypatch.setenv("HBOX_SOCKET", str(site.socket))
    run = typist(site, capsys, "gateway")
    yield run
    run("sysadmin", "channel", "list")


def written(tmp_path, text, name="lab.toml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return str(path)


def crossed(box, count):
    keys = vault.load(box.settings.keys / vault.FILE)
    journal = Journal(box.folder / "gateway" / "journal", keys)
    list(journal.recover())
    for number in range(count):
        facts = Facts(
            event="accepted", channel="lab-report", side="intranet", peer="10.66.0.20",
            method="POST", target="/fhir/Observation", delivery=f"d{number}",
        )  # fmt: skip
        journal.append(facts, BODY)
    journal.close()


def test_a_channel_from_its_text_to_its_end(typed, box, tmp_path):
    code, out, err = typed(
        "sysadmin", "channel", "new", written(tmp_path, CHANNEL), "--reason", "检验"
    )
    assert code == 0, err
    assert "change" in out
    code, _, err = typed("sysadmin", "change", "approve", "1")
    assert code == 1
    assert "[auth.forbidden]" in err
    code, out, err = typed("secadmin", "change", "approve", "1", "--comment", "同意")
    assert code == 0, err
    assert "警告" in err
    assert "+ 新通道" in err
    assert '+id = "lab-report"' in err
    assert "sysadmin" in out
    code, out, _ = typed("sysadmin", "channel", "list")
    assert "lab-report" in out
    assert "secadmin" in out
    code, out, _ = typed("sysadmin", "channel", "show", "lab-report")
    assert out == CHANNEL

    crossed(box, 3)
    code, _, err = typed(
        "sysadmin", "channel", "change", written(tmp_path, NARROWER), "--reason", "收窄"
    )
    assert code == 0, err
    code, out, err = typed("secadmin", "change", "try", "2", "--since", "2d")
    assert code == 0, err
    line = next(line for line in out.splitlines() if line.startswith("lab-report"))
    assert line.split()[:2] == ["lab-report", "3"]
    assert "Nothing was sent" in out
    code, out, _ = typed("secadmin", "change", "try", "2", "--format", "json")
    assert json.loads(out)["channels"][0]["fewer"] == 3
    code, out, _ = typed("secadmin", "change", "show", "2")
    assert '-  { path = "status", type = "code" },' in out
    assert "试运行 dry run" in out
    code, _, err = typed("secadmin", "change", "approve", "2")
    assert code == 0, err
    assert "警告" not in err
    code, out, _ = typed("sysadmin", "channel", "diff", "lab-report")
    assert '-  { path = "status", type = "code" },' in out

    code, _, err = typed("sysadmin", "channel", "rollback", "lab-report", "1", "--reason", "误删")
    assert code == 0, err
    code, _, err = typed("secadmin", "change", "reject", "3", "--reason", "不同意")
    assert code == 0, err
    code, out, _ = typed("sysadmin", "change", "list", "--state", "rejected", "--format", "yaml")
    (rejected,) = yaml.safe_load(out)
    assert (rejected["number"], rejected["decision"]) == (3, "不同意")
    code, out, _ = typed("sysadmin", "channel", "versions", "lab-report", "--format", "json")
    assert [one["version"] for one in json.loads(out)] == [2, 1]
    code, out, _ = typed("sysadmin", "channel", "show", "lab-report", "--version", "1")
    assert out == CHANNEL
    code, _, err = typed("sysadmin", "channel", "remove", "lab-report", "--reason", "停用")
    assert code == 0, err
    assert box.opened()["lab-report"]


def test_a_wrong_text_is_told_with_line_and_field_before_anything_is_asked(typed, tmp_path):
    wrong = CHANNEL.replace("rate = 600", "rate = 0")
    code, _, err = typed("sysadmin", "channel", "new", written(tmp_path, wrong), "--reason", "x")
    assert code == 1
    assert "[gateway.channel_invalid]" in err
    assert "17" in err
    assert "rate" in err
    code, _, err = typed("sysadmin", "channel", "new", str(tmp_path / "none"), "--reason", "x")
    assert (code, "[object.not_found]" in err) == (1, True)


def test_what_is_not_there_is_told(typed):
    for words in (
        ("channel", "show", "none"),
        ("channel", "show", "none", "--version", "1"),
        ("channel", "diff", "none"),
        ("change", "show", "99"),
        ("dead", "show", "none"),
    ):
        code, _, err = typed("sysadmin", *words)
        assert code == 1, words
        assert "[object.not_found]" in err, words
    code, _, err = typed("sysadmin", "change", "try", "1", "--since", "soon")
    assert (code, "[input.bad]" in err) == (1, True)
    from controller.cli.changes import hours  # noqa: PLC0415 - at collection it would join the error tree

    assert (hours("24h"), hours("7d")) == (24, 168)


def test_dead_letters_are_listed_shown_and_ordered(typed, site, box, monkeypatch):
    monkeypatch.setattr("controller.workers.orders.PATIENCE", 0.1)
    with Session(site.controller.engine) as session, session.begin():
        session.add(
            Transfer(
                number=4, at=clock.iso(), channel="lab-report", direction="intranet->extranet",
                lane="store", verdict="allowed", rule="gateway.far_side_failed", data_class="3",
                peer="10.66.0.20", size=9, state="dead", hash="", delivery="0badc0de-0001",
            )
        )  # fmt: skip
    code, out, _ = typed("sysadmin", "dead", "list")
    assert "0badc0de-0001" in out
    code, out, _ = typed("sysadmin", "dead", "show", "4")
    assert "gateway.far_side_failed" in out
    code, out, err = typed("sysadmin", "dead", "rerun", "0badc0de-0001", "--reason", "对端恢复")
    assert code == 0, err
    code, _, err = typed("secadmin", "dead", "drop", "0badc0de-0001", "--reason", "x")
    assert (code, "[auth.forbidden]" in err) == (1, True)


def test_a_module_channel_is_shown_in_the_form_of_texts(typed, box, site):
    from network.gateway.text import parse, render  # noqa: PLC0415

    way = parse(CHANNEL.replace("lab-report", "from-module"), "sysadmin", "secadmin")
    before = policy.load(box.folder / "gateway", box.policy_key.public).policy
    issued = policy.Policy(9, "now", (way,))
    policy.write(box.folder / "gateway", issued, box.policy_key)
    try:
        code, out, err = typed("sysadmin", "channel", "show", "from-module")
        assert code == 0, err
        assert out == render(way)
        code, out, _ = typed("sysadmin", "channel", "show", "from-module", "--format", "json")
        assert json.loads(out)["origin"] == "module"
    finally:
        policy.write(box.folder / "gateway", before, box.policy_key)


def test_signatures_are_brought_in_and_listed(typed, box, tmp_path):
    file = tmp_path / "own.ndb"
    file.write_bytes(b"HBox.Test.Sample:0:*:48424f582d53414d504c452d5354524e47\n")
    code, out, err = typed("secadmin", "signatures", "import", str(file))
    assert code == 0, err
    code, out, _ = typed("sysadmin", "signatures", "list")
    assert "own.ndb" in out
    code, _, err = typed("sysadmin", "signatures", "import", str(file))
    assert (code, "[auth.forbidden]" in err) == (1, True)
    bad = tmp_path / "daily.exe"
    bad.write_bytes(b"x")
    code, _, err = typed("secadmin", "signatures", "import", str(bad))
    assert (code, "[input.bad]" in err) == (1, True)


def test_the_algorithms_in_use_are_listed_and_those_that_can_be_are_tried(
    capsys, monkeypatch, tmp_path
):
    settings = Settings(state=tmp_path)
    authority = Authority(tmp_path / "tls" / "ca.crt", settings.keys / "ca.key")
    authority.ensure("测试医院")
    certificates.ensure(settings.keys, authority, "测试医院")
    monkeypatch.setattr("controller.cli.algorithms.load", lambda: settings)
    assert main(["gateway", "algorithms", "--format", "json"]) == 0
    uses = json.loads(capsys.readouterr().out)
    seen = {use["algorithm"]: use for use in uses}
    assert seen["SM4-GCM"]["seen"] == "tried"
    assert any("curveSM2" in name and use["seen"] == "tried" for name, use in seen.items())
    assert seen["Argon2id"]["detail"] == parameters()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["gateway", "algorithms"]) == 1
    assert "[cli.needs_root]" in capsys.readouterr().err


def test_a_system_gets_its_certificate(typed, box, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    asked = tmp_path / "lis.csr"
    asked.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    words = ("peer", "issue", "lis", "--address", "10.66.0.20", "--request", str(asked))
    code, out, err = typed("secadmin", *words)
    assert code == 0, err
    assert "BEGIN CERTIFICATE" in out
    code, out, err = typed("secadmin", *words, "--out", str(tmp_path / "lis.crt"))
    assert code == 0, err
    pem = (tmp_path / "lis.crt").read_bytes()
    assert fingerprint(pem) in out
    assert x509.load_pem_x509_certificate(pem).public_key() == key.public_key()


def test_a_time_without_a_zone_is_beijing_time(typed, site):
    with Session(site.controller.engine) as session, session.begin():
        for number, at in enumerate(("2026-10-31T15:59:59", "2026-10-31T16:00:00"), 9001):
            session.add(
                Transfer(
                    number=number, at=f"{at}.000000+00:00", channel="lab", hash="",
                    direction="intranet->extranet", lane="store", verdict="refused", state="refused",
                    rule="", data_class="3", peer="10.66.0.30", size=1,
                )
            )  # fmt: skip
    for since in ("2026-11-01", "2026-11-01T00:00+08:00", "2026-10-31T16:00:00Z"):
        words = ("transfers", "--since", since, "--until", "2026-11-02", "--format", "json")
        code, out, err = typed("sysadmin", *words)
        assert code == 0, err
        assert [one["number"] for one in json.loads(out)] == [9002]
    assert typed("sysadmin", "transfers", "--since", "yesterday")[0] == 1
