"""Opens many connections to a leg and is slow or idle on each; started in a machine's namespace.

    python slow.py <leg> <source,source,…> <kind>:<port>:<count>…

Kinds: `head` sends a request's head byte by byte, `idle` asks once and then rests, `hello` begins a TLS
handshake and stops, `silent` connects and says nothing, `mllp` sends a frame byte by byte. What is ended
is opened anew. Every second the number of open connections goes to standard output.
"""

import asyncio
import sys

HEAD = b"POST /fhir/Appointment HTTP/1.1\r\nHost: g\r\nContent-Length: 100\r\nX: " + b"a" * 4000
WHOLE = b"GET /nothing HTTP/1.1\r\nHost: g\r\n\r\n"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)
FRAME = b"\x0bMSH|^~\\&|" + b"a" * 4000
SAYS = {"head": HEAD, "idle": WHOLE, "hello": HELLO, "silent": b"", "mllp": FRAME}
DRIPS = {"head", "mllp"}
open_now = 0


async def one(leg: str, source: str, kind: str, port: int) -> None:
    """Be slow for ever."""
    global open_now  # noqa: PLW0603 - one number for the report
    said = SAYS[kind]
    while True:
        try:
            reader, writer = await asyncio.open_connection(leg, port, local_addr=(source, 0))
        except OSError:
            await asyncio.sleep(1)
            continue
        open_now += 1
        try:
            writer.write(said[:20] if kind in DRIPS else said)
            at = 20
            while not reader.at_eof():
                if kind in DRIPS:
                    writer.write(said[at : at + 1])
                    at += 1
                try:
                    async with asyncio.timeout(1):
                        await reader.read(65536)
                except TimeoutError:
                    continue
        except OSError:
            pass
        open_now -= 1
        writer.transport.abort()


async def main() -> None:
    """Open all, then report."""
    leg, sources, *wanted = sys.argv[1:]
    places = sources.split(",")
    tasks = []
    for text in wanted:
        kind, port, count = text.split(":")
        for number in range(int(count)):
            tasks.append(
                asyncio.create_task(one(leg, places[number % len(places)], kind, int(port)))
            )
            if number % 50 == 49:
                await asyncio.sleep(0.02)
    while True:
        await asyncio.sleep(1)
        sys.stdout.write(f"{open_now}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
