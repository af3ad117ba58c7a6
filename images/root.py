"""Makes a Debian root file system from a recipe with mmdebstrap, then cleans what it says."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from appliance.host import Host
from images import chroot, mirror
from images.recipe import Recipe

_PATIENCE = 3600.0  # seconds; a slow archive is no failure


def make(host: Host, recipe: Recipe, target: Path) -> None:
    """Build `recipe` into the new folder `target`; the log of it goes to `target`.log."""
    stage = target.with_name(f"{target.name}.files")
    _stage(recipe, stage)
    lines = mirror.sources(mirror.read(host), recipe.suite)
    argv = bootstrap(recipe, stage, target, mirror.proxies(host))
    done = host.run(
        [*argv, "-"],
        stdin="\n".join(lines).encode(),
        timeout=_PATIENCE,
        env={"TMPDIR": str(_temporary(target))},
    )
    target.with_name(f"{target.name}.log").write_bytes(done.err)
    shutil.rmtree(stage)
    shutil.rmtree(_temporary(target))
    finish(recipe, target)


def _temporary(target: Path) -> Path:
    """A /tmp beside the root, cleared with it if the build is cut off; apt's own user writes there, too."""
    folder = target.with_name(f"{target.name}.tmp")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o1777)
    return folder


def bootstrap(recipe: Recipe, stage: Path, target: Path, aptopts: Sequence[str]) -> list[str]:
    """Return mmdebstrap's argument vector (sources come on standard input)."""
    options = ['APT::Install-Recommends "false";', *aptopts]
    return [
        *chroot.ALONE,
        "--mount-proc",
        "mmdebstrap",
        "--variant=minbase",
        "--mode=root",
        "--format=directory",
        *(f"--aptopt={option}" for option in options),
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in recipe.without),
        *(f"--dpkgopt=path-include={pattern}" for pattern in recipe.keep),
        f"--essential-hook=sync-in {stage} /",
        f"--include={','.join(recipe.packages)}",
        recipe.suite,
        str(target),
    ]


def finish(recipe: Recipe, target: Path) -> None:
    """Remove what a machine makes itself and leave an empty machine-id to be filled."""
    for path in _matching(target, recipe.remove):
        _delete(path)
    (target / "etc/machine-id").write_bytes(b"")


def units_script(recipe: Recipe) -> str:
    """Return the shell lines that set up units inside the root: presets first, since they undo masks."""
    masks = [f"ln -sfn /dev/null '/etc/systemd/system/{unit}'" for unit in recipe.mask]
    return "\n".join(["systemctl --root=/ --preset-mode=full preset-all", *masks])


def _stage(recipe: Recipe, stage: Path) -> None:
    stage.mkdir(mode=0o755)
    for name, text in recipe.files:
        path = stage / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o755 if text.startswith("#!") else 0o644)


def _matching(target: Path, patterns: Sequence[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from list(target.glob(pattern))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
