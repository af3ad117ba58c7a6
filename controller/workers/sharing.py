"""Files that the worker makes for the console to read: whole, on disk, group hbox, nobody else."""

from pathlib import Path

from appliance.files import write_atomically
from controller.workers.site import Site


def share(path: Path, data: bytes, site: Site) -> None:
    """Keep `data` at `path` so that the console (group hbox) may read it; its folder is made if need be."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, mode=0o750)
        site.home.host.run(["chgrp", "hbox", str(path.parent)])
    write_atomically(path, data, mode=0o640)
    site.home.host.run(["chgrp", "hbox", str(path)])
