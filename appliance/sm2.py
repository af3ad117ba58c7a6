"""SM2 signatures (GB/T 32918.2, with SM3 and the standard's default identity) by the system's libcrypto.

OpenSSL 3 as the distribution ships it (`libcrypto.so.3`) is asked through its EVP interface, since
neither Python nor `cryptography` offers SM2. A signature is the usual DER SEQUENCE of r and s.
"""

import ctypes
import ctypes.util
from functools import cache
from pathlib import Path
from typing import Any

from appliance.canonical import digest
from appliance.errors import Text, Unavailable
from appliance.files import write_atomically
from appliance.signing import BadKey, BadSignature

_IDENTITY = b"1234567812345678"  # GB/T 35276: used where a signer has no identity of its own
_SIGNATURE_LIMIT = 80  # bytes; DER of two numbers below 2^256 takes at most 72


class NoSm2(Unavailable):
    """This machine's OpenSSL does not offer SM2."""

    code = "signing.no_sm2"


class BadSm2Key(BadKey):
    """A key file does not hold an SM2 key."""

    code = "signing.bad_sm2_key"
    text = Text("密钥文件无效：{path}", "Not an SM2 key: {path}")


class Sm2Key:
    """A private key."""

    def __init__(self, pem: bytes, *, path: Path | str = "PEM") -> None:
        self._key = _read(pem, "PEM_read_bio_PrivateKey", path)
        self._pem = pem

    @classmethod
    def new(cls) -> "Sm2Key":
        """Make a fresh key."""
        lib = _lib()
        made = lib.EVP_PKEY_Q_keygen(None, None, b"SM2")
        if not made:
            raise NoSm2(what="SM2", why="OpenSSL cannot make a key")
        try:
            pem = _written(
                lambda bio: lib.PEM_write_bio_PKCS8PrivateKey(bio, made, None, None, 0, None, None)
            )
        finally:
            lib.EVP_PKEY_free(made)
        return cls(pem)

    @classmethod
    def load(cls, path: Path) -> "Sm2Key":
        """Read a key from a PEM file (PKCS#8, not encrypted, mode 0600); raises `BadSm2Key`."""
        return cls(path.read_bytes(), path=path)

    @classmethod
    def load_or_new(cls, path: Path) -> "Sm2Key":
        """Read the key at `path`, or make one there (with `path.pub` beside it)."""
        if path.exists():
            return cls.load(path)
        key = cls.new()
        key.save(path)
        return key

    def save(self, path: Path) -> None:
        """Write the private key to `path` (0600) and the public one to `path` + `.pub` (0644)."""
        write_atomically(path, self._pem, mode=0o600)
        write_atomically(path.with_name(path.name + ".pub"), self.public.pem, mode=0o644)

    @property
    def public(self) -> "Sm2PublicKey":
        """The public half."""
        return Sm2PublicKey(_written(lambda bio: _lib().PEM_write_bio_PUBKEY(bio, self._key)))

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`, DER."""
        lib = _lib()
        out, size = ctypes.create_string_buffer(_SIGNATURE_LIMIT), ctypes.c_size_t(_SIGNATURE_LIMIT)
        with _Operation(self._key, lib.EVP_DigestSignInit) as context:
            if lib.EVP_DigestSign(context, out, ctypes.byref(size), data, len(data)) != 1:
                raise NoSm2(what="SM2", why="OpenSSL could not sign")
        return out.raw[: size.value]

    def __del__(self) -> None:
        if hasattr(self, "_key"):
            _lib().EVP_PKEY_free(self._key)

    def __repr__(self) -> str:
        return f"Sm2Key({self.public.fingerprint})"


def library() -> str:
    """Return the name and version of the libcrypto that does it; raises `NoSm2`."""
    told = _lib().OpenSSL_version
    told.restype, told.argtypes = ctypes.c_char_p, [ctypes.c_int]
    return str(told(0).decode("ascii", "replace"))


class Sm2PublicKey:
    """A public key."""

    def __init__(self, pem: bytes) -> None:
        self._key = _read(pem, "PEM_read_bio_PUBKEY", "PEM")
        self.pem = _written(lambda bio: _lib().PEM_write_bio_PUBKEY(bio, self._key))

    @property
    def fingerprint(self) -> str:
        """First 32 hex digits of the SHA-256 of the key's PEM: its name in records."""
        return digest(self.pem)[:32]

    def verify(self, signature: bytes, data: bytes, *, what: str) -> None:
        """Return quietly if `signature` is this key's over `data`; else raise `BadSignature`."""
        lib = _lib()
        with _Operation(self._key, lib.EVP_DigestVerifyInit) as context:
            if lib.EVP_DigestVerify(context, signature, len(signature), data, len(data)) == 1:
                return
        lib.ERR_clear_error()
        raise BadSignature(what=what)

    def __del__(self) -> None:
        if hasattr(self, "_key"):
            _lib().EVP_PKEY_free(self._key)


class _Operation:
    """One signing or verification: SM3 with the default identity mixed in."""

    def __init__(self, key: int, begin: Any) -> None:
        lib = _lib()
        self._context = lib.EVP_MD_CTX_new()
        self._settings = lib.EVP_PKEY_CTX_new_from_pkey(None, key, None)
        lib.EVP_MD_CTX_set_pkey_ctx(self._context, self._settings)
        known = lib.EVP_PKEY_CTX_set1_id(self._settings, _IDENTITY, len(_IDENTITY)) == 1
        if not known or begin(self._context, None, lib.EVP_sm3(), None, key) != 1:
            self.__exit__()
            raise NoSm2(what="SM2", why="OpenSSL refused the key")

    def __enter__(self) -> int:
        return int(self._context)

    def __exit__(self, *_: object) -> None:
        _lib().EVP_MD_CTX_free(self._context)
        _lib().EVP_PKEY_CTX_free(self._settings)


def _read(pem: bytes, reader: str, path: Path | str) -> int:
    lib = _lib()
    bio = lib.BIO_new_mem_buf(pem, len(pem))
    try:
        key = getattr(lib, reader)(bio, None, None, None)
    finally:
        lib.BIO_free(bio)
    if not key or lib.EVP_PKEY_is_a(key, b"SM2") != 1:
        lib.EVP_PKEY_free(key)
        lib.ERR_clear_error()
        raise BadSm2Key(path=path)
    return int(key)


def _written(write: Any) -> bytes:
    lib = _lib()
    bio = lib.BIO_new(lib.BIO_s_mem())
    try:
        if write(bio) != 1:
            raise NoSm2(what="SM2", why="OpenSSL could not write the key")
        out = ctypes.create_string_buffer(4096)
        length = lib.BIO_read(bio, out, len(out))
        return out.raw[:length]
    finally:
        lib.BIO_free(bio)


@cache
def _lib() -> Any:
    """Return libcrypto with the types of the calls used here; raises `NoSm2`."""
    try:
        lib = ctypes.CDLL("libcrypto.so.3")
        pointer, size, text, whole = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int
        calls: dict[str, tuple[Any, list[Any]]] = {
            "BIO_new_mem_buf": (pointer, [text, whole]),
            "BIO_new": (pointer, [pointer]),
            "BIO_s_mem": (pointer, []),
            "BIO_read": (whole, [pointer, pointer, whole]),
            "BIO_free": (whole, [pointer]),
            "PEM_read_bio_PrivateKey": (pointer, [pointer] * 4),
            "PEM_read_bio_PUBKEY": (pointer, [pointer] * 4),
            "PEM_write_bio_PUBKEY": (whole, [pointer] * 2),
            "PEM_write_bio_PKCS8PrivateKey": (whole, [*[pointer] * 4, whole, *[pointer] * 2]),
            "EVP_PKEY_free": (None, [pointer]),
            "EVP_PKEY_is_a": (whole, [pointer, text]),
            "EVP_PKEY_CTX_new_from_pkey": (pointer, [pointer] * 3),
            "EVP_PKEY_CTX_set1_id": (whole, [pointer, text, size]),
            "EVP_PKEY_CTX_free": (None, [pointer]),
            "EVP_MD_CTX_new": (pointer, []),
            "EVP_MD_CTX_set_pkey_ctx": (None, [pointer] * 2),
            "EVP_MD_CTX_free": (None, [pointer]),
            "EVP_sm3": (pointer, []),
            "EVP_DigestSignInit": (whole, [pointer] * 5),
            "EVP_DigestSign": (whole, [pointer, pointer, pointer, text, size]),
            "EVP_DigestVerifyInit": (whole, [pointer] * 5),
            "EVP_DigestVerify": (whole, [pointer, text, size, text, size]),
            "ERR_clear_error": (None, []),
        }
        for name, (gives, takes) in calls.items():
            call = getattr(lib, name)
            call.restype, call.argtypes = gives, takes
        lib.EVP_PKEY_Q_keygen.restype = pointer  # takes a varying number: no argument list
        lib.EVP_PKEY_Q_keygen.argtypes = [pointer, pointer, text]
    except (OSError, AttributeError) as error:
        raise NoSm2(what="SM2", why=str(error)) from error
    return lib
