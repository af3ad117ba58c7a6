"""MLLP both ways: one message sent and its acknowledgement awaited; a server thread for what comes."""

import asyncio
import logging
import threading
from collections.abc import Callable

import hl7
from hl7.mllp import HL7StreamReader, HL7StreamWriter, open_hl7_connection, start_hl7_server

from his_standin.er7 import CHARSET

_LOG = logging.getLogger(__name__)
_LIMIT = 1 << 20  # bytes of one message
Take = Callable[[hl7.Message], str]


def send(address: tuple[str, int], message: str, timeout: float) -> str:
    """Send one message; return the code of its acknowledgement (AA, AE, AR …).

    Raises `OSError` when there was no connection, no answer in `timeout` seconds, or a foreign one.
    """
    try:
        return asyncio.run(_send(address, message, timeout))
    except (TimeoutError, EOFError, ValueError, LookupError, hl7.HL7Exception) as error:
        raise OSError(f"no acknowledgement: {type(error).__name__}") from error


async def _send(address: tuple[str, int], message: str, timeout: float) -> str:
    async with asyncio.timeout(timeout):
        reader, writer = await open_hl7_connection(*address, encoding=CHARSET, limit=_LIMIT)
        try:
            writer.writemessage(hl7.parse(message))
            await writer.drain()
            told = (await reader.readmessage()).segment("MSA")
        finally:
            writer.close()
    if str(told(2)) != message.split("|")[9]:
        raise OSError("the acknowledgement belongs to another message")
    return str(told(1))


class Server(threading.Thread):
    """Takes messages of one host; `take` returns the acknowledgement code, durable when it returns."""

    def __init__(self, bind: tuple[str, int], only: str, take: Take) -> None:
        super().__init__(name="mllp", daemon=True)
        self._bind, self._only, self._take = bind, only, take
        self._loop = asyncio.new_event_loop()
        self.listening = threading.Event()

    def run(self) -> None:
        """Listen until `end`."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self.listening.set()
        self._loop.run_forever()

    def end(self) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join(15)

    async def _open(self) -> None:
        host, port = self._bind
        await start_hl7_server(self._serve, host=host, port=port, encoding=CHARSET, limit=_LIMIT)

    async def _serve(self, reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        # Addresses are given by the controller and filtered on the bridge; this is the second lock.
        if writer.get_extra_info("peername")[0] != self._only:
            writer.close()
            return
        try:
            while True:
                message = await reader.readmessage()
                code = await asyncio.to_thread(self._take, message)
                writer.writemessage(message.create_ack(code))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the gateway hung up
        except Exception:
            _LOG.exception("a message could not be taken")
        finally:
            writer.close()
