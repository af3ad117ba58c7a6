"""`python -m bench.controller_web FOLDER PORT`: the web process as it is, on a bench's records."""

import sys
from pathlib import Path

from appliance.settings import Settings
from controller.serve import create_app, doors


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    settings = Settings(state=folder, run=folder / "run", console_port=port)
    server = doors.browsers(create_app(settings), settings, "127.0.0.1")
    server.prepare()
    server.serve()


if __name__ == "__main__":
    main()
