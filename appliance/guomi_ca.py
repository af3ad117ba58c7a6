"""The box's SM2 certificate authority (国密): the same as `ca`, with SM2 keys and SM3 (GB/T 20518).

Neither Python nor `cryptography` can sign an SM2 certificate: Debian's `openssl` program does it,
with the standard's default identity. Keys reach it as files, never as arguments.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.ca import CA_DAYS, SERVER_DAYS, BadRequest, alternative_text
from appliance.chance import raw
from appliance.host import Host, LocalHost, write_atomically
from appliance.sm2 import Sm2Key

_IDENTITY = "distid:1234567812345678"  # GB/T 35276: what every verifier takes by default
_USE = {
    "basicConstraints": "critical,CA:FALSE",
    "keyUsage": "critical,digitalSignature",
    "extendedKeyUsage": "serverAuth,clientAuth",
}
_CA_USE = {
    "basicConstraints": "critical,CA:TRUE,pathlen:0",
    "keyUsage": "critical,keyCertSign,cRLSign",
}


@dataclass(frozen=True)
class GuomiAuthority:
    """The CA's certificate and key, both as files; the key is 0600 and never leaves the box."""

    certificate: Path
    key: Path
    host: Host = field(default_factory=LocalHost)

    def ensure(self, site: str) -> None:
        """Make the CA for `site` unless it is there."""
        if self.certificate.exists() and self.key.exists():
            return
        Sm2Key.load_or_new(self.key)
        with _workshop(self.key.parent) as folder:
            request = self._request(self.key, _subject(site, "HBox SM2 CA"), folder)
            made = self._sign(
                folder, request, _CA_USE, ["-key", str(self.key), "-days", str(CA_DAYS)]
            )
        write_atomically(self.certificate, made, mode=0o644)

    def issue(self, certificate: Path, key: Path, *, names: Sequence[str], site: str) -> None:
        """Write a certificate for `names` (host names and IP addresses), for serving and for asking."""
        key.unlink(missing_ok=True)
        Sm2Key.load_or_new(key)
        use = {**_USE, "subjectAltName": ",".join(alternative_text(name) for name in names)}
        signer = ["-CA", str(self.certificate), "-CAkey", str(self.key), "-days", str(SERVER_DAYS)]
        with _workshop(key.parent) as folder:
            request = self._request(key, _subject(site, names[0]), folder)
            made = self._sign(folder, request, use, signer)
        write_atomically(certificate, made, mode=0o644)

    def certify(self, request: bytes, *, name: str, site: str) -> bytes:
        """Return a client certificate (PEM) for the SM2 key of `request`, a PKCS #10 request in PEM.

        As `Authority.certify`: only the key is taken. Raises `BadRequest`.
        """
        use = {**_USE, "subjectAltName": alternative_text(name), "extendedKeyUsage": "clientAuth"}
        signer = ["-CA", str(self.certificate), "-CAkey", str(self.key), "-days", str(SERVER_DAYS)]
        with _workshop(self.key.parent) as folder:
            asked = folder / "asked.pem"
            asked.write_bytes(request)
            self._check(asked)
            return self._sign(folder, asked, use, [*signer, "-subj", _subject(site, name)])

    def _check(self, asked: Path) -> None:
        argv = [
            "openssl",
            "req",
            "-in",
            str(asked),
            "-noout",
            "-verify",
            "-text",
            "-vfyopt",
            _IDENTITY,
        ]
        said = self.host.run(argv, timeout=30.0, check=False)
        told = (said.out + said.err).decode("utf-8", "replace")
        if said.code != 0 or "verify OK" not in told:
            raise BadRequest(why="it is not signed by its own key")
        if "ASN1 OID: SM2" not in told:
            raise BadRequest(why="the key is not an SM2 key")

    def _request(self, key: Path, subject: str, folder: Path) -> Path:
        request = folder / "request.pem"
        self._openssl(
            "req", "-new", "-utf8", "-key", str(key), "-subj", subject, "-sm3",
            "-sigopt", _IDENTITY, "-out", str(request),
        )  # fmt: skip
        return request

    def _sign(
        self, folder: Path, request: Path, use: Mapping[str, str], signer: list[str]
    ) -> bytes:
        extensions = folder / "extensions"
        extensions.write_text("".join(f"{name}={value}\n" for name, value in use.items()), "ascii")
        # A self-signed one is made the same way: `-key` instead of `-CA` says whose key it is.
        serial = "0x" + (b"\x01" + raw(15)).hex()
        return self._openssl(
            "x509", "-req", "-in", str(request), "-sm3", "-sigopt", _IDENTITY, "-vfyopt", _IDENTITY,
            "-extfile", str(extensions), "-set_serial", serial, *signer,
        )  # fmt: skip

    def _openssl(self, *arguments: str) -> bytes:
        return self.host.run(["openssl", *arguments], timeout=30.0).out


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".making-", dir=folder) as made:
        yield Path(made)


def _subject(site: str, common: str) -> str:
    # X.520 bounds both names to 64 characters.
    escaped = (re.sub(r"([/+\\=,\"<>;#])", r"\\\1", name[:64]) for name in (site, common))
    return "/O={}/CN={}".format(*escaped)
