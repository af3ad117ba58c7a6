"""Runs on the node, with nothing of the product: keeps paths, brings them back, tells what they hold.

python3 keeper.py keep|restore|tell FOLDER PATH...
"""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path


def tell(paths):
    """Yield a line for each path and everything below it: kind, mode, owner, attributes, content."""
    for path in paths:
        yield about(path)
        if _folder(path):
            yield from tell(sorted(str(below) for below in Path(path).iterdir()))


def _folder(path):
    return Path(path).is_dir() and not Path(path).is_symlink()


def about(path):
    """Return the line for one path; times are left out."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return f"{shown(path)} absent"
    kind = stat.S_IFMT(found.st_mode)
    held = ""
    if kind == stat.S_IFREG:
        held = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    elif kind == stat.S_IFLNK:
        held = str(Path(path).readlink())
    more = [
        f"{name}={os.getxattr(path, name, follow_symlinks=False).hex()}"
        for name in sorted(os.listxattr(path, follow_symlinks=False))
        if not name.startswith("trusted.")
    ]
    return f"{shown(path)} {found.st_mode:o} {found.st_uid}:{found.st_gid} {' '.join(more)} {held}"


def shown(path):
    """Return a path as one word, whatever its name is made of."""
    return ascii(path)[1:-1].replace(" ", "\\x20")


def keep(folder, paths):
    """Copy what is there; what is absent is remembered by not being in the copy."""
    Path(folder).mkdir(mode=0o700, exist_ok=True)
    there = [path for path in paths if os.path.lexists(path)]
    argv = ["tar", "--acls", "--xattrs", "-C", "/", "-cpf", f"{folder}/kept.tar", "-T", "/dev/null"]
    subprocess.run([*argv, *(path.lstrip("/") for path in there)], check=True)


def restore(folder, paths):
    """Remove the paths, then lay back what was there."""
    for path in paths:
        if _folder(path):
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)
    argv = ["tar", "--acls", "--xattrs", "--same-owner", "-C", "/", "-xpf", f"{folder}/kept.tar"]
    subprocess.run(argv, check=True)


if __name__ == "__main__":
    what, where, *named = sys.argv[1:]
    if what == "tell":
        sys.stdout.write("\n".join(tell(named)) + "\n")
    else:
        {"keep": keep, "restore": restore}[what](where, named)
