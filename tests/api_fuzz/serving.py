"""`python -m tests.api_fuzz.serving FOLDER PORT`: the box's own server on loopback, without TLS."""

import sys
from pathlib import Path

from controller.serve import create_app, doors
from tests.api_fuzz import world


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    made = world.make(folder, port)
    server = doors.browsers(create_app(made.settings), made.settings, "127.0.0.1")
    server.ssl_adapter = None  # what is asked here is what the API answers, not what TLS does
    server.prepare()
    for role, key in made.keys.items():
        (folder / f"{role}.key").write_text(key)
    (folder / "up").touch()
    server.serve()


if __name__ == "__main__":
    main()
