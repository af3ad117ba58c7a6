"""Asks libpam whether a person would be let in: authentication and account, no session."""

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_void_p
from typing import Any

from appliance import chance

_SUCCESS, _CONV_ERROR = 0, 19
_ECHO_OFF, _ECHO_ON = 1, 2
_SILENT = 0x8000


class _Message(Structure):
    _fields_ = (("style", c_int), ("text", c_char_p))


class _Response(Structure):
    _fields_ = (("text", c_void_p), ("code", c_int))


_Talk = CFUNCTYPE(c_int, c_int, POINTER(POINTER(_Message)), POINTER(POINTER(_Response)), c_void_p)


class _Conversation(Structure):
    _fields_ = (("talk", _Talk), ("data", c_void_p))


def login(service: str, person: str, password: str) -> str:
    """Return "" when the service's PAM stack lets the person in, else what PAM says."""
    library, memory = ctypes.CDLL("libpam.so.0"), ctypes.CDLL(None)
    memory.calloc.restype = memory.strdup.restype = c_void_p
    memory.calloc.argtypes = (c_size_t, c_size_t)
    library.pam_strerror.restype = c_char_p
    library.pam_strerror.argtypes = (c_void_p, c_int)
    for name in ("pam_authenticate", "pam_acct_mgmt", "pam_end"):
        getattr(library, name).argtypes = (c_void_p, c_int)
    talk = _Talk(_answering(memory, password))
    handle, asked = c_void_p(), _Conversation(talk, None)
    code = library.pam_start(service.encode(), person.encode(), byref(asked), byref(handle))
    if code != _SUCCESS:
        return f"pam_start: {code}"
    for step in (library.pam_authenticate, library.pam_acct_mgmt):
        code = step(handle, _SILENT)
        if code != _SUCCESS:
            break
    said = (library.pam_strerror(handle, code) or b"").decode("utf-8", "replace")
    library.pam_end(handle, code)
    return "" if code == _SUCCESS else f"{code} {said}"


def hashed(password: str) -> str:
    """Return a password as /etc/shadow holds it (SHA-512)."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = c_char_p
    library.crypt.argtypes = (c_char_p, c_char_p)
    made: bytes = library.crypt(password.encode(), f"$6${chance.raw(8).hex()}$".encode())
    return made.decode()


def _answering(memory: Any, password: str) -> Any:
    """Return PAM's callback: whatever is asked is answered with the password, on PAM's own heap."""

    def answer(number: int, messages: Any, responses: Any, _data: Any) -> int:
        place = memory.calloc(number, ctypes.sizeof(_Response))
        if not place:
            return _CONV_ERROR
        made = ctypes.cast(place, POINTER(_Response))
        for at in range(number):
            if messages[at].contents.style in (_ECHO_OFF, _ECHO_ON):
                made[at].text = memory.strdup(password.encode())
        responses[0] = made
        return _SUCCESS

    return answer
