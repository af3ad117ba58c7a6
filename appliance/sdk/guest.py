"""Shell scripts the controller runs in a module's VM through the guest agent. Pure: text in, text out.

Each script is POSIX sh, may be run again at any time, and writes as its last line one JSON object:
`{"ok": true, "id": …, "version": …, …}`, or `{"ok": false, "step": …}` where it stopped; its exit
code says the same. It is meant for `/bin/sh -s` with the script on standard input.
"""

import json
import re
import shlex
from dataclasses import asdict, dataclass
from typing import Literal

from appliance.canonical import canonical
from appliance.errors import BadInput
from appliance.sdk.manifest import DATA_ROOT, Manifest
from appliance.sdk.unit import config_path

ROOT = "/opt/hbox/modules"
BUNDLE_NAME = "module.hmod"  # what the bundle is called on the attached volume
Probe = Literal["live", "ready", "deep"]

_DIGEST = re.compile(r"^[0-9a-f]{64}$")
_VOLUME = re.compile(r"^[A-Za-z0-9_-]{1,20}$")  # virtio-blk keeps 20 characters of a serial


@dataclass(frozen=True)
class Config:
    """A module's settings: where it listens, the gateway leg of its zone, where its data lies."""

    listen: str
    gateway: str
    data: str

    @property
    def text(self) -> str:
        """The JSON file that the module reads (path in its environment, HBOX_MODULE_CONFIG)."""
        return canonical(asdict(self)).decode() + "\n"


def config(manifest: Manifest, gateway: str) -> Config:
    """Return the settings of a module; `gateway` is the base URL of its zone's gateway leg."""
    return Config(f"0.0.0.0:{manifest.run.port}", gateway, f"{DATA_ROOT}/{manifest.id}")


def install(manifest: Manifest, digest: str, volume: str, settings: Config) -> str:
    """Return the script that installs the bundle of SHA-256 `digest` and starts the module.

    `volume` is the serial of a read-only virtio disk, or the label of its ISO 9660 file system; it
    holds the bundle as `module.hmod`. The digest is checked again in the guest before unpacking.
    """
    if not _DIGEST.match(digest):
        raise BadInput(what="digest", why=digest[:70])
    if not _VOLUME.match(volume):
        raise BadInput(what="volume", why=volume[:70])
    return _script(
        manifest,
        _INSTALL,
        digest=digest,
        volume=volume,
        root=f"{ROOT}/{manifest.id}",
        unit=unit_name(manifest),
        bundle=BUNDLE_NAME,
        config=config_path(manifest.id),
        settings=settings.text.strip(),
        port=str(manifest.run.port),
    )


def remove(manifest: Manifest, *, data: bool = False) -> str:
    """Return the script that stops and removes the module; with `data`, what it stored as well."""
    return _script(
        manifest,
        _REMOVE,
        root=f"{ROOT}/{manifest.id}",
        unit=unit_name(manifest),
        config=config_path(manifest.id),
        data="yes" if data else "no",
    )


def health(manifest: Manifest, probe: Probe, *, limit: int = 20) -> str:
    """Return the script that asks the module itself how it is (`limit` in seconds).

    The last line carries `status` (HTTP status, 0 if nothing answered) and `body`, what it said.
    """
    path = {
        "live": manifest.health.live,
        "ready": manifest.health.ready,
        "deep": manifest.health.deep,
    }
    return _script(
        manifest,
        _HEALTH,
        probe=probe,
        port=str(manifest.run.port),
        path=path[probe],
        limit=str(limit),
        ask=_ASK,
    )


def outcome(output: str) -> dict[str, object]:
    """Return the JSON object in the last line of a script's output; `{"ok": False}` without one."""
    lines = output.strip().splitlines()
    try:
        last = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {"ok": False, "step": "output"}
    return last if isinstance(last, dict) else {"ok": False, "step": "output"}


def unit_name(manifest: Manifest) -> str:
    """Return the systemd unit of the module in its guest; the prefix keeps it off the system's own."""
    return f"hbox-module-{manifest.id}.service"


def _script(manifest: Manifest, body: str, **values: str) -> str:
    named = {"id": manifest.id, "version": manifest.version, **values}
    assignments = "".join(f"{name}={shlex.quote(value)}\n" for name, value in named.items())
    # The body is a function without standard input, so that no program it starts can eat the script.
    return f"#!/bin/sh\nset -eu\n{assignments}{_FRAME}main() {{\n{body}}}\nmain </dev/null\n"


# `step` names what is being done, so that the last line of a failure says where it stopped.
_FRAME = """\
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8
step=start
mounted=
ended() {
    code=$?
    if [ -n "$mounted" ] && mountpoint -q "$mounted"; then umount "$mounted"; fi
    [ "$code" -eq 0 ] || [ -z "$step" ] || printf '\\n{"ok":false,"id":"%s","version":"%s","step":"%s","exit":%d}\\n' \\
        "$id" "$version" "$step" "$code"
}
trap ended EXIT
"""

_INSTALL = """\
place=$root/$version
fresh=$root/.$version.new
step=volume
device=
tries=0
while [ -z "$device" ]; do
    for name in "/dev/disk/by-id/virtio-$volume" "/dev/disk/by-label/$volume"; do
        if [ -b "$name" ]; then device=$name; break; fi
    done
    tries=$((tries + 1))
    [ -n "$device" ] || [ "$tries" -le 60 ] || exit 10
    [ -n "$device" ] || sleep 1
done
step=mount
mounted=/run/hbox-volume
mkdir -p "$mounted"
if mountpoint -q "$mounted"; then umount "$mounted"; fi
mount -t iso9660 -o ro,nodev,nosuid,noexec "$device" "$mounted"
step=digest
printf '%s  %s\\n' "$digest" "$mounted/$bundle" | sha256sum --check --status --strict
if [ "$(cat "$place/.digest" 2>/dev/null || true)" != "$digest" ]; then
    step=unpack
    rm -rf "$fresh"
    mkdir -p "$fresh/site"
    tar --extract --file="$mounted/$bundle" --directory="$fresh" --no-same-owner --no-same-permissions
    step=wheels
    python3 -I -m pip install --quiet --no-input --no-index --no-deps --no-compile --no-cache-dir \\
        --disable-pip-version-check --root-user-action=ignore --target "$fresh/site" \\
        "$fresh"/payload/wheels/*.whl
    rm -rf "$fresh/payload/wheels"
    chmod -R go-w,a+rX "$fresh"
    printf '%s\\n' "$digest" > "$fresh/.digest"
    sync -f "$fresh"
    rm -rf "$place"
    mv -T "$fresh" "$place"
fi
step=settings
mkdir -p "$(dirname "$config")"
umask 027
printf '%s\\n' "$settings" > "$config.new"
chmod 0640 "$config.new"
mv -T "$config.new" "$config"
umask 022
step=unit
ln -sfn "$version" "$root/current"
install -m 0644 "$place/payload/$id.service" "/etc/systemd/system/$unit"
systemctl daemon-reload
step=start
systemctl enable --quiet "$unit"
systemctl restart "$unit"
printf '{"ok":true,"id":"%s","version":"%s","digest":"%s","port":%d}\\n' \\
    "$id" "$version" "$digest" "$port"
"""

_REMOVE = """\
step=stop
if [ -e "/etc/systemd/system/$unit" ]; then
    systemctl disable --quiet --now "$unit"
    rm -f "/etc/systemd/system/$unit"
    systemctl daemon-reload
fi
step=files
rm -rf "$root"
rm -f "$config"
if [ "$data" = yes ]; then
    step=data
    rm -rf "/var/lib/private/hbox-module/$id" "/var/lib/hbox-module/$id"
    rm -rf "/var/cache/private/hbox-module/$id" "/var/cache/hbox-module/$id"
fi
printf '{"ok":true,"id":"%s","version":"%s","data_removed":"%s"}\\n' "$id" "$version" "$data"
"""

_HEALTH = """\
step=health
code=0
python3 -I -S -c "$ask" "$id" "$version" "$probe" "$port" "$path" "$limit" || code=$?
# 20: asked and not well; what was said stands in the last line already.
[ "$code" -ne 20 ] || step=
return "$code"
"""

# http.client instead of urllib: half the imports, and each of them costs on an emulated CPU.
_ASK = """\
import http.client, json, sys
module, version, probe, port, path, limit = sys.argv[1:]
status, body = 0, ""
try:
    link = http.client.HTTPConnection("127.0.0.1", int(port), timeout=float(limit))
    link.request("GET", path)
    answer = link.getresponse()
    status, body = answer.status, answer.read(65536).decode("utf-8", "replace")
except OSError as error:
    body = str(error)
said = {"ok": status == 200, "id": module, "version": version, "probe": probe, "status": status}
try:
    said["body"] = json.loads(body)
except ValueError:
    said["body"] = body
print(json.dumps(said, ensure_ascii=False))
sys.exit(0 if status == 200 else 20)
"""
