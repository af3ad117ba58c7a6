"""A run's report in forms for people, each made by a process without rights, network or files of the box."""

from collections.abc import Mapping
from pathlib import Path

from appliance import clock
from appliance.errors import BoxError
from appliance.files import write_atomically
from compliance.exports import FORMS, Form, unit
from controller.jobs.steps import Say
from controller.workers.site import Site


def make(site: Site, report: bytes, paths: Mapping[str, Path], say: Say) -> None:
    """Make the report's forms at `paths`; one that cannot be made is missing, and the log says why.

    What a machine answered may be anything. A report that no program can set is signed without it.
    """
    for form in FORMS.values():
        paths[form.name].unlink(missing_ok=True)
        began = clock.monotonic()
        data, why = _made(site, form, report)
        if data:
            share(paths[form.name], data, site)
        told = f"{clock.monotonic() - began:.1f} s, {len(data)} bytes" if data else why
        say(f"{form.title.zh} {form.title.en}: {told}")


def made(paths: Mapping[str, Path]) -> dict[str, bytes]:
    """Return the forms that are there."""
    return {name: paths[name].read_bytes() for name in FORMS if paths[name].exists()}


def share(path: Path, data: bytes, site: Site) -> None:
    """Keep a file that the console (group hbox) may read."""
    write_atomically(path, data, mode=0o640)
    site.home.host.run(["chgrp", "hbox", str(path)])


def _made(site: Site, form: Form, report: bytes) -> tuple[bytes, str]:
    try:
        argv = unit.argv(form.name)
        done = site.home.host.run(argv, stdin=report, timeout=unit.LIMIT, check=False)
    except BoxError as error:
        return b"", f"未制成 not made: {error.message.zh} {error.message.en}"
    if done.code == 0 and done.out.startswith(form.begins):
        return done.out, ""
    why = done.err.decode("utf-8", "replace").strip()[-300:]
    return b"", f"未制成 not made: exit {done.code} {why}"
