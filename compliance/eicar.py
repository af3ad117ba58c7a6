"""Shows the exchange gateway's scanner the harmless test virus (EICAR) and harmless bytes; leaves nothing behind.

    python -I -m compliance.eicar [SOCKET]

Both go over the scanner's own socket (INSTREAM); nothing is written to a disk. Prints one line each:
`eicar: found NAME`, `plain: clean`, or what else was said.
"""

import socket
import struct
import sys

SOCKET = "/run/clamav/clamd.ctl"
PATIENCE = 10.0  # seconds
# In two parts: whole, it would make scanners remove this very file.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
PLAIN = b"HBox asks its scanner whether it lets harmless bytes pass.\n"


def ask(place: str, data: bytes) -> str:
    """Return what the scanner said of `data`: `found NAME`, `clean`, or its own words; raises `OSError`."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(PATIENCE)
        link.connect(place)
        link.sendall(b"zINSTREAM\0" + struct.pack("!I", len(data)) + data + struct.pack("!I", 0))
        said = link.recv(4096).rstrip(b"\0").decode("utf-8", "replace").strip()
    words = said.removeprefix("stream: ")
    if words.endswith(" FOUND"):
        return f"found {words.removesuffix(' FOUND')}"
    return "clean" if words == "OK" else words


def main(arguments: list[str]) -> int:
    """Print both answers; exit 0 when the scanner could be asked, 1 otherwise."""
    place = arguments[0] if arguments else SOCKET
    code = 0
    for name, data in (("eicar", EICAR), ("plain", PLAIN)):
        try:
            said = ask(place, data)
        except OSError as error:
            said, code = f"no answer: {type(error).__name__}", 1
        sys.stdout.write(f"{name}: {said}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
