"""TLS as the box's own servers speak it: console, API and the console process alike."""

import ssl
from pathlib import Path


def context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a server context: TLS 1.2 or later, no client certificates, no compression."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    made.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    made.load_cert_chain(certificate, key)
    return made
