"""The receive cases of the MLLP conformance file, played against the servers of other libraries.

    python -m tests.unit.network.mllp_peers [seconds of patience]

Each server is set up as its own documentation says, with the charset agreed with the site, and takes
every message. Cases that only a gateway with a policy can be asked for are left out, and of answers only
the positive ones are compared: how a refusal is said is ours to choose, that it costs no other message
is not.
"""

import asyncio
import re
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

import hl7
import hl7apy.mllp
import hl7apy.parser
import uvloop
from hl7.mllp import start_hl7_server

from tests.unit.network import mllp_talk as talk
from tests.unit.network.mllp_end import End

CASES = [case for case in talk.cases()["receive"] if case.get("scope") != "gateway"]
_PATIENCE = 1.5  # seconds; their failures are mostly silence
_CODECS = {"GB18030": "gb18030", "UTF-8": "utf-8"}


class PythonHl7:
    """`hl7.mllp.start_hl7_server` with the handler of its documentation."""

    name = f"python-hl7 {hl7.__version__}"

    def __init__(self, site):
        self._encoding, self.taken, self._tasks = _CODECS[site], [], []

    async def __aenter__(self):
        self._server = await start_hl7_server(
            self._serve, "127.0.0.1", 0, encoding=self._encoding, limit=1 << 22
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self._tasks.append(asyncio.current_task())
        try:
            while not writer.is_closing():
                told = await reader.readmessage()
                self.taken.append((str(told["MSH.10"]), _name(told)))
                writer.writemessage(told.create_ack())
                await writer.drain()
        except Exception:  # noqa: BLE001 - whatever a case provokes ends this connection
            pass
        finally:
            writer.transport.abort()


class Hl7apy:
    """`hl7apy.mllp.MLLPServer` with one handler for the types of the file."""

    name = f"hl7apy {version('hl7apy')}"

    def __init__(self, site):
        self.taken = taken = []

        class Request(hl7apy.mllp.MLLPRequestHandler):
            encoding = _CODECS[site]

        class Handler(hl7apy.mllp.AbstractHandler):
            def reply(self):
                told = hl7apy.parser.parse_message(self.incoming_message, find_groups=False)
                own = told.msh.msh_10.value
                taken.append((own, _component(told)))
                return f"\x0bMSH|^~\\&|R|||S|2026||ACK|R1|P|2.4\rMSA|AA|{own}\r\x1c\r"

        class Server(hl7apy.mllp.MLLPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a case provokes it; the connection ends

        handlers = dict.fromkeys(("SIU^S12", "SIU^S12^SIU_S12", "ADT^A04"), (Handler,))
        self._server = Server("127.0.0.1", 0, handlers, 3, Request)
        self.port = self._server.server_address[1]

    async def __aenter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    async def __aexit__(self, *_):
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()
        self._thread.join()


class Ours(End):
    name = "HBox"

    def __init__(self, site):
        self._folder = tempfile.TemporaryDirectory(prefix="hbox-mllp-")
        super().__init__(Path(self._folder.name), site=site)

    async def __aexit__(self, *_):
        await super().__aexit__()
        self._folder.cleanup()


def _name(told):
    try:
        return str(told["PID.F5.R1.C1"])
    except LookupError:
        return ""


def _component(told):
    try:
        return told.pid.pid_5[0].children[0].value
    except (LookupError, AttributeError):
        return ""


def positive(acks):
    """The messages that were accepted, in the order in which that was said; batches are opened."""
    return (
        re.findall(r"\b[AC]A (\S+?)(?=[,)]|$)", "; ".join(acks).replace(";", ",")) if acks else []
    )


def passes(case, heard, taken):
    """Whether what came back and what was taken is right."""
    wanted = positive(case.get("acks", [])) * case.get("times", 1)
    right = positive(heard.acks) == wanted
    if "accepted" in case:
        right = right and [own for own, _ in taken] == case["accepted"]
    if "names" in case:
        right = right and [name for _, name in taken] == case["names"]
    return right


async def play(make, patience=_PATIENCE):
    """Return which cases this kind of end passes."""
    turns, told = asyncio.Semaphore(16), {}

    async def one(case):
        async with turns, make(case.get("site", "GB18030")) as end:
            heard = await talk.converse(case, "127.0.0.1", end.port, patience=patience)
            told[case["id"]] = passes(case, heard, end.taken)

    await asyncio.gather(*map(one, CASES))
    return told


def table(ends=(Ours, PythonHl7, Hl7apy), patience=_PATIENCE):
    """Play all and return {end: {case: passed}}."""
    return {
        end.name: uvloop.run(play(end, talk.PATIENCE if end is Ours else patience)) for end in ends
    }


def main():
    told = table(patience=float(sys.argv[1]) if len(sys.argv) > 1 else _PATIENCE)
    sys.stdout.write(f"{'case':55}" + "".join(f"{name:>20}" for name in told) + "\n")
    for case in CASES:
        marks = "".join(f"{'pass' if told[name][case['id']] else '-':>20}" for name in told)
        sys.stdout.write(f"{case['id']:55}{marks}\n")
    sums = "".join(f"{f'{sum(told[n].values())} of {len(CASES)}':>20}" for n in told)
    sys.stdout.write(f"{'passed':55}{sums}\n")


if __name__ == "__main__":
    main()
