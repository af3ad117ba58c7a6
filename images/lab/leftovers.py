"""Lists what of our labs is still on this machine: processes, mounts, namespaces, cgroups, folders."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import Failed, Text
from images.lab import cgroups, nodes, processes
from images.lab import names as naming


@dataclass(frozen=True, order=True)
class Rest:
    """One thing that is left; `kind` is process, mount, namespace, cgroup, loop or folder."""

    kind: str
    what: str


class Leftovers(Failed):
    """Something of a lab is still there after it was taken down."""

    code = "lab.leftovers"
    text = Text("实验环境 {lab} 清理不完整：{what}", "The lab {lab} left something behind: {what}")
    hint = Text("请再次运行 hbox lab down。", "Run `hbox lab down` again.")


def find(lab: str) -> list[Rest]:
    """Return everything on this machine that belongs to `lab`."""
    names = naming.names(lab)
    return sorted({*_files(names), *_kernel(names)})


def _files(names: naming.Names) -> Iterator[Rest]:
    folder = str(names.folder)
    for mount in nodes.mounts():
        if mount == folder or mount.startswith(folder + "/"):
            yield Rest("mount", mount)
    for image in Path("/sys/class/block").glob("loop*/loop/backing_file"):
        if image.read_text().startswith(folder + "/"):
            yield Rest("loop", image.parts[4])
    if names.folder.exists():
        yield Rest("folder", folder)


def _kernel(names: naming.Names) -> Iterator[Rest]:
    for namespace in names.namespaces:
        if Path(f"/run/netns/{namespace}").exists():
            yield Rest("namespace", namespace)
    for group in cgroups.existing(f"hbox.{names.lab}."):
        yield Rest("cgroup", str(group))
    # Programs of a lab carry its folder or one of its namespaces in their arguments.
    marks = [f"{names.folder}/", *(f"--net=/run/netns/{one}" for one in names.namespaces)]
    for pid, line in processes.command_lines():
        if any(part == mark or part.startswith(marks[0]) for part in line for mark in marks):
            yield Rest("process", f"{pid} {' '.join(line)[:120]}")
