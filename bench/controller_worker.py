"""`python -m bench.controller_worker FOLDER PORT`: the worker as it is, on a fake hypervisor's machines."""

import signal
import sys
import threading
from pathlib import Path

from appliance.host import LocalHost
from appliance.settings import Settings
from controller import work
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage_dir import DirStorage
from controller.records.session import open_records
from controller.workers.site import NodeDrivers, Site

NODE = "node-1"


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    settings = Settings(state=folder, run=folder / "run", console_port=port)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    storage = DirStorage(folder / "volumes", LocalHost())
    drivers = NodeDrivers(FakeHypervisor(folder / "fake" / NODE), storage)
    work.work(Site(settings, open_records(settings.database), {NODE: drivers}), stop)


if __name__ == "__main__":
    main()
