"""The policy file's outer form: one line with its signature, then the signed bytes."""

FILE = "policy.signed"


def joined(signature: bytes, data: bytes) -> bytes:
    """Return the file's bytes: `ed25519 <signature, hex>` and `data`; one file needs one rename."""
    return b"ed25519 " + signature.hex().encode() + b"\n" + data


def parted(raw: bytes) -> tuple[bytes, bytes]:
    """Return signature and signed bytes; raises `ValueError`."""
    head, _, data = raw.partition(b"\n")
    kind, _, signature = head.decode("ascii").partition(" ")
    if kind != "ed25519":
        raise ValueError("it is not signed")
    return bytes.fromhex(signature), data
