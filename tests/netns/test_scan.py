"""The scanner process in its place, with a real clamd of Debian and the box's own configuration."""

import io
import json
import os
import re
import socket
import tempfile
import threading
import zipfile
from pathlib import Path

import pytest

from appliance.clock import monotonic
from appliance.host import LocalHost, start
from compliance import eicar, scan_bundles
from network.gateway import clamd, signatures
from network.gateway.launcher import PROGRAMS

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]
ROOTFS = Path(__file__).parents[2] / "appliance/rootfs"
CONFIGURATION = (ROOTFS / "usr/lib/hbox/clamav/clamd.conf").read_text()
SAMPLES = Path("/usr/share/clamav-testfiles")
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
OWN = b"HBOX-MALWARE-TEST-STRING-7d1f0a52"


class Clamd:
    """clamd on a socket and with signatures of its own."""

    def __init__(self, folder: Path) -> None:
        self.socket, self.database = folder / "clamd.ctl", folder / "db"
        self._log, self._file = folder / "clamd.log", folder / "clamd.conf"
        self.database.mkdir()
        (self.database / "hbox.ndb").write_bytes(
            (ROOTFS / "usr/lib/hbox/clamav/hbox.ndb").read_bytes()
        )
        text = re.sub(r"(?m)^LocalSocket(Group|Mode)? .*\n", "", CONFIGURATION)
        text = re.sub(r"(?m)^DatabaseDirectory .*", f"DatabaseDirectory {self.database}", text)
        self._file.write_text(f"{text}LocalSocket {self.socket}\nLocalSocketMode 666\n")
        self._started = None

    def start(self) -> None:
        argv = ["clamd", "--foreground", f"--config-file={self._file}"]
        self._started = start(argv, log=self._log)
        end = monotonic() + 30
        while clamd.scan_bytes(self.socket, b"", 5.0) != clamd.CLEAN:
            assert monotonic() < end, self._log.read_text()
            assert self._started.alive(), self._log.read_text()

    def stop(self) -> None:
        if self._started:
            self._started.end()
            self._started = None


@pytest.fixture(scope="module")
def scanner():
    with tempfile.TemporaryDirectory(prefix="hbox-clamd-") as folder:
        Path(folder).chmod(0o755)
        made = Clamd(Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop()


def zipped(data: bytes, depth: int = 1) -> bytes:
    for _ in range(depth):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("document.pdf", data)
        data = made.getvalue()
    return data


FOUND = {EICAR: "HBox.Test.Eicar.UNOFFICIAL", OWN: "HBox.Test.Own.UNOFFICIAL"}


def test_what_clamd_says_of_bytes(scanner):
    def said(data):
        return clamd.scan_bytes(scanner.socket, data, 20.0)

    assert said(b"") == said("病历 report".encode()) == said(zipped(b"x")) == clamd.CLEAN
    for bad, name in FOUND.items():
        for hidden in (bad, b"%PDF-1.4\n" + bad, zipped(bad), zipped(bad, 3)):
            assert said(hidden) == clamd.Verdict(422, name)
    # What clamd will not look through is never clean.
    assert said(zipped(b"\0" * (600 << 20) + OWN)) == clamd.TOO_LARGE
    assert said(zipped(b"\0" * (300 << 20) + OWN)) == clamd.Verdict(422, FOUND[OWN])
    assert said(zipped(EICAR, 40)).status in {413, 422}
    assert clamd.scan_bytes(scanner.socket, b"\0" * (clamd.LIMIT + 1), 20.0) == clamd.TOO_LARGE


def test_the_limit_is_the_one_in_clamds_configuration(scanner, tmp_path):
    assert f"StreamMaxLength {clamd.LIMIT >> 20}M" in CONFIGURATION
    assert "TCPSocket" not in CONFIGURATION
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(clamd.LIMIT - 64)
        file.seek(0, 2)
        file.write(OWN)
    with large.open("rb") as file:
        assert clamd.scan_file(scanner.socket, file.fileno(), 60.0).status in {413, 422}
    with large.open("r+b") as file:
        file.truncate(clamd.LIMIT + 1)
        assert clamd.scan_file(scanner.socket, file.fileno(), 60.0) == clamd.TOO_LARGE


def test_a_clamd_that_is_away_or_silent_is_said(tmp_path):
    assert clamd.scan_bytes(tmp_path / "none", b"x", 1.0) == clamd.AWAY
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        assert clamd.scan_bytes(tmp_path / "silent", b"x", 1.0) == clamd.AWAY
        silent.listen(8)
        began = monotonic()
        assert clamd.scan_bytes(tmp_path / "silent", b"x" * (8 << 20), 0.3) == clamd.LATE
        assert monotonic() - began < 2
        hang_up = threading.Thread(target=lambda: [silent.accept()[0].close() for _ in range(2)])
        hang_up.start()
        assert clamd.scan_bytes(tmp_path / "silent", b"x" * (8 << 20), 5.0) == clamd.AWAY
        hang_up.join()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"stream: OK\0", clamd.CLEAN),
        (b"stream: A.B FOUND\0", clamd.Verdict(422, "A.B")),
        (b"stream: OK FOUND\0", clamd.Verdict(422, "OK")),
        (b"INSTREAM size limit exceeded. ERROR\0", clamd.TOO_LARGE),
        (b"stream: Heuristics.Limits.Exceeded.MaxFiles FOUND\0", clamd.TOO_LARGE),
        (b"stream: OK\0stream: A FOUND\0", clamd.Verdict(422, "OK?stream:?A")),
        (b"UNKNOWN COMMAND\0", clamd.AWAY),
        (b"", clamd.AWAY),
    ],
)
def test_only_a_plain_ok_is_clean(answer, verdict):
    assert clamd.understood(answer) == verdict


def test_signatures_are_verified_before_they_count(scanner, tmp_path):
    run = LocalHost().run
    sample = SAMPLES / "clam.exe"
    assert clamd.scan_bytes(scanner.socket, sample.read_bytes(), 20.0) == clamd.CLEAN
    own = tmp_path / "site.hsb"
    own.write_bytes(run(["sigtool", "--sha256", str(sample)]).out)
    kept = signatures.import_file(own, scanner.database)
    assert (kept.signed, kept.facts) == (False, {"signatures": "1"})
    scanner.stop()
    scanner.start()
    for name in ("clam.exe", "clam.zip", "clam.pdf", "clam.ole.doc", "clam.tar.gz", "clam.7z"):
        said = clamd.scan_bytes(scanner.socket, (SAMPLES / name).read_bytes(), 20.0)
        assert (name, said.status) == (name, 422)
    assert [s.name for s in signatures.listed(scanner.database)] == ["hbox.ndb", "site.hsb"]
    for name, data in (("main.cvd", b"ClamAV-VDB:" + b"0" * 600), ("broken.ndb", b"no signature")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(signatures.SignaturesRefused):
            signatures.import_file(tmp_path / name, scanner.database)
    for name in ("trust.fp", "trust.ign2", ".hidden.ndb"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(signatures.BadInput):
            signatures.import_file(tmp_path / name, scanner.database)
    assert len(signatures.listed(scanner.database)) == 2


@pytest.fixture
def placed(world, scanner):
    """A gateway whose scanner is the real one, and whose guard asks what the test wants."""
    world.layout = world.layout.__class__(**{**vars(world.layout), "clamd": scanner.socket})
    log = world.layout.folder / "log" / "scan.log"
    world.wait_ready = lambda: world.until(lambda: log.exists() and "ready" in log.read_text())
    script = Path(__file__).with_name("scan_launcher.py")
    world.start(str(script))
    return world


def ask(world, *asked):
    done = world.layout.journal / "verdicts.json"
    wanted = world.layout.journal / "scans.new"
    wanted.write_text(json.dumps([[t, b.hex(), limit] for t, b, limit in asked]))
    wanted.rename(world.layout.journal / "scans.json")
    world.until(done.exists)
    told = json.loads(done.read_text())
    done.unlink()
    return told


def test_the_scanner_process_answers_from_its_own_place(placed, scanner):
    held, guard = placed.layout.spool / "guard" / "held", placed.layout.guard
    for name, data in (("a" * 32, OWN), ("b" * 32, b"clean"), ("c" * 32, zipped(EICAR))):
        file = held / name
        file.write_bytes(b"\0" * (9 << 20) + data if name[0] == "a" else data)
        os.chown(file, guard.uid, -1)
    (held / "link").symlink_to("/etc/passwd")
    (held / "folder").mkdir()
    os.mkfifo(held / "fifo")
    told = ask(
        placed,
        ("", b"clean", 0), ("", EICAR, 0), ("", b"", 0), ("/" + "a" * 32, b"", 0), ("/" + "b" * 32, b"", 0),
        ("/" + "c" * 32, b"", 0), ("/none", b"", 0), ("/link", b"", 0), ("/folder", b"", 0), ("/fifo", b"", 0),
        ("/../" + "a" * 32, b"", 0), ("/..", b"", 0), ("/.", b"", 0),
    )  # fmt: skip
    missing = [404, "missing"]
    assert told == [
        [200, ""], [422, FOUND[EICAR]], [200, ""], [422, FOUND[OWN]], [200, ""],
        [422, FOUND[EICAR]], missing, missing, missing, missing, missing, missing, missing,
    ]  # fmt: skip
    many = ask(placed, *(("", EICAR if n % 3 == 0 else b"x" * 70000, 0) for n in range(60)))
    assert many == [[422, FOUND[EICAR]] if n % 3 == 0 else [200, ""] for n in range(60)]
    pid = placed.pids["scan"]
    scanner.stop()
    assert ask(placed, ("", EICAR, 0), ("/" + "b" * 32, b"", 0)) == [[503, "away"]] * 2
    scanner.start()
    assert ask(placed, ("", EICAR, 0)) == [[422, FOUND[EICAR]]]
    assert placed.pids["scan"] == pid


def test_the_scanner_process_has_nothing_else(placed):
    pid = placed.pids["scan"]
    status = Path(f"/proc/{pid}/status").read_text()
    for line in ("CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "Groups:\t \n"):
        assert line in status
    assert Path(f"/proc/{pid}/net/dev").read_text().count(":") == 1  # a lo that is down
    seen = ["nsenter", f"--mount=/proc/{pid}/ns/mnt", "--"]
    held = placed.layout.spool / "guard" / "held"
    assert LocalHost().run([*seen, "touch", str(held / "x")], check=False).code == 1
    listed = LocalHost().run([*seen, "find", str(placed.folder), "-type", "f"]).text
    assert listed == ""
    assert set(PROGRAMS) == {"front", "guard", "back", "scan"}


def test_the_inspector_shows_the_scanner_its_test_virus_and_harmless_bytes(scanner, capsys):
    assert eicar.main([str(scanner.socket)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("eicar: found ")
    assert second == "plain: clean"
    assert eicar.main([f"{scanner.socket}.none"]) == 1
    assert "eicar: no answer" in capsys.readouterr().out


def test_the_inspector_lets_the_scanner_look_at_bundles(scanner, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scan_bundles, "SOCKET", str(scanner.socket))
    folder = tmp_path / "modules" / "bundles"
    folder.mkdir(parents=True)
    (folder / "a.hmod").write_bytes(b"nothing to see")
    (folder / "b.hmod").write_bytes(EICAR)
    assert scan_bundles.main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a.hmod: clean"
    assert lines[1].startswith("b.hmod: found ")
