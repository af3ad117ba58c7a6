"""The MLLP conformance file: its messages and tokens, and a conversation over a real socket."""

import asyncio
import re
import socket
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("mllp_cases.yaml")
MARKS = {"VT": b"\x0b", "FS": b"\x1c", "CR": b"\r", "LF": b"\n", "NUL": b"\0", "TAB": b"\t"}
PATIENCE = 8.0  # seconds to wait for what is expected: the machine may be busy
GRACE = 0.04  # seconds in which something unexpected would show
_TOKEN = re.compile(
    r"(?P<mark>VT|FS|CR|LF|NUL|TAB)(?:\*(?P<times>\d+))?|hex:(?P<hex>[0-9a-f]+)|say:(?P<say>\S+)"
    r"|(?P<code>[A-Z]{2})\((?P<of>[\w-]*)\)|(?P<framed><)?(?P<name>[\w-]+)>?"
    r"(?:\[(?P<start>-?\d*):(?P<stop>-?\d*)\])?"
)


@cache
def cases():
    return yaml.safe_load(FILE.read_text("utf-8"))


def message(name, newline="\r"):
    """Return the bytes of a message of the file."""
    told = {"charset": "", "more": "", "facility": "H", **cases()["messages"][name]}
    told["name"] = told.get("name", "") * told.get("times", 1)
    text = cases()["templates"][told["of"]].rstrip("\n").format(**told)
    return (text + "\n").replace("\n", newline).encode(told["in"])


def control(name):
    """Return MSH-10 of a message of the file."""
    raw = message(name)
    return raw.split(raw[3:4])[9].decode().strip() if name in cases()["messages"] else ""


def acknowledgement(code, name):
    own = control(name) if name else ""
    return f"MSH|^~\\&|RCV|||HBOX|20261122080000||ACK|R1|P|2.4\rMSA|{code}|{own}\r".encode()


def piece(text, newline="\r"):
    """Return the bytes of one piece."""
    out = b""
    for token in text.split(" "):
        found = _TOKEN.fullmatch(token)
        assert found, token
        out += _token(found, newline)
    return out


def _token(found, newline):
    if found["mark"]:
        return MARKS[found["mark"]] * int(found["times"] or 1)
    if found["hex"] or found["say"]:
        return bytes.fromhex(found["hex"]) if found["hex"] else found["say"].encode()
    if found["code"]:
        return acknowledgement(found["code"], found["of"]).replace(b"\r", newline.encode())
    raw = message(found["name"], newline)
    start, stop = (int(found[k]) if found[k] else None for k in ("start", "stop"))
    raw = raw[start:stop]
    return b"\x0b" + raw + b"\x1c\r" if found["framed"] else raw


def steps(told, case):
    """Yield bytes, pauses (float) and ends (None) in order."""
    size = case.get("cut", 0)
    for one in told:
        if isinstance(one, dict):
            yield None if "end" in one else float(one["pause"])
            continue
        data = piece(one, case.get("newline", "\r"))
        yield from (data[at : at + size] for at in range(0, len(data), size)) if size else [data]


async def say(writer, told, case):
    """Write what `told` says; each piece is a TCP segment of its own."""
    for step in steps(told, case):
        if writer.is_closing():
            raise ConnectionError("closed by the other end")
        if isinstance(step, float):
            await asyncio.sleep(step)
        elif step is None:
            writer.write_eof()
        else:
            writer.write(step)
            await writer.drain()
            await asyncio.sleep(0)


def frames(data):
    """Return the frames in `data`; what is none shows as `?`."""
    found, rest = [], bytes(data)
    while rest:
        if rest[:1] != b"\x0b" or b"\x1c\r" not in rest:
            return [*found, b"?"]
        one, _, rest = rest[1:].partition(b"\x1c\r")
        found.append(one)
    return found


def shown(frame):
    """Return `AA A1` for an acknowledgement, `batch(…)` for several."""
    told = []
    for line in frame.split(b"\r"):
        if line[:3] == b"MSA":
            parts = line.decode("latin-1").split(chr(line[3]))
            told.append(" ".join(parts[1:3]).strip())
    return (
        f"batch({', '.join(told)})" if frame[:3] in (b"BHS", b"FHS") else told[0] if told else "?"
    )


@dataclass
class Heard:
    """What a sender heard, and whether the connection was ended by the other end."""

    acks: list = field(default_factory=list)
    closed: bool = False


async def converse(case, host, port, patience=PATIENCE):
    """Play the sender of a receive case."""
    heard, data = Heard(), bytearray()
    reader, writer = await asyncio.open_connection(host, port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wanted = len(case.get("acks", ())) * case.get("times", 1)

    async def listen():
        try:
            while got := await reader.read(65536):
                data.extend(got)
        except ConnectionError:
            pass
        heard.closed = True

    listening = asyncio.create_task(listen())
    try:
        await say(writer, case["send"] * case.get("times", 1), case)
        end = asyncio.get_running_loop().time() + patience
        while asyncio.get_running_loop().time() < end and not listening.done():
            if data.count(b"\x1c\r") >= wanted and not case.get("closed"):
                await asyncio.sleep(GRACE)
                break
            await asyncio.sleep(0.005)
    except (ConnectionError, OSError):
        heard.closed = True
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    writer.transport.abort()
    await asyncio.sleep(0)
    heard.acks = [shown(frame) for frame in frames(data)]
    return heard
