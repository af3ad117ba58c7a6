"""The archive is the one this machine's apt uses."""

import pytest

from images import mirror

_APT = """Packages|Debian|bookworm|http://archive.test/debian/
Packages|Debian|bookworm-updates|http://archive.test/debian/
Translations|Debian|bookworm|http://wrong.test/debian/
Packages|Other|stable|http://other.test/
Packages|Debian-Security|bookworm-security|http://security.test/debian-security/
"""


def test_sources_for_another_suite() -> None:
    lines = mirror.sources(mirror.parse(_APT), "trixie")
    assert [line.split("] ")[1] for line in lines] == [
        "http://archive.test/debian/ trixie main",
        "http://archive.test/debian/ trixie-updates main",
        "http://security.test/debian-security/ trixie-security main",
    ]
    assert all("signed-by=" in line for line in lines)


def test_without_a_security_archive() -> None:
    assert len(mirror.sources(mirror.parse(_APT.splitlines()[0]), "trixie")) == 2


def test_no_debian_archive() -> None:
    with pytest.raises(mirror.NoMirror):
        mirror.sources(mirror.parse("Packages|Other|stable|http://other.test/\n"), "trixie")
