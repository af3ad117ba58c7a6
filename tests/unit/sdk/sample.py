"""A small manifest, unit and wheel, shared by the tests of the SDK."""

import zipfile
from pathlib import Path

from appliance.sdk import bundle
from appliance.sdk.trust import Trust, VendorKey
from appliance.signing import SigningKey

LIMIT = 1 << 20
MANIFEST = """
[module]
format = 1
id = "acme-visit"
version = "1.2.3"
vendor = "acme"
license = "Apache-2.0"
title = { zh = "问诊", en = "Visit" }
summary = { zh = "示例", en = "A sample" }

[component]
zone = "extranet"
memory = 512
vcpus = 1
disk = 2048

[run]
package = "acme_visit"
port = 8080

[[flows]]
name = "page"
from = "patients"
to = "self"
protocol = "http"
port = 8080
data_class = 3
rate = 600
purpose = { zh = "页面", en = "page" }

[[flows]]
name = "slots"
from = "self"
to = "gateway"
protocol = "http"
port = 8080
channel = "slot-read"
lane = "request"
method = "GET"
path = "/fhir/Slot"
query = ["status", "_count"]
response = { resource = "Bundle", fields = [
  { path = "resourceType", type = "code", required = true, values = ["Bundle"] },
  { path = "entry[].resource.status", type = "code" },
] }
data_class = 2
rate = 60
purpose = { zh = "号源", en = "slots" }

[[data]]
path = "/var/lib/hbox-module/acme-visit"
data_class = 3
retention = 30

[health]
live = "/health/live"
ready = "/health/ready"
deep = "/health/deep"

[upgrade]
since = "1.0.0"
reversible = true
"""
UNIT = """
[Unit]
Description=sample
[Service]
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
StateDirectory=hbox-module/acme-visit
LoadCredential=config:/etc/hbox/modules/acme-visit.json
Environment=HBOX_MODULE_CONFIG=%d/config
Environment=PYTHONPATH=/opt/hbox/modules/acme-visit/current/site
ExecStart=/usr/bin/python3 -m acme_visit
[Install]
WantedBy=multi-user.target
"""


def wheel(folder: Path, name: str = "acme_visit", version: str = "1.2.3", code: str = "") -> Path:
    """Make a real, installable wheel of one module."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        for member, text in (
            (f"{name}/__init__.py", ""),
            (f"{name}/__main__.py", code),
            (f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
            (f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            (f"{info}/RECORD", ""),
        ):
            file.writestr(zipfile.ZipInfo(member), text)
    return path


def unsigned(folder: Path, manifest: str = MANIFEST, unit: str = UNIT) -> Path:
    """Pack the sample into `folder`."""
    (folder / "module.toml").write_text(manifest, "utf-8")
    (folder / "sample.service").write_text(unit, "utf-8")
    return bundle.pack(folder / "module.toml", folder / "sample.service", [wheel(folder)], folder)


def signed(folder: Path) -> tuple[Path, Trust, SigningKey]:
    """Pack and sign the sample; return it with the trust that accepts it."""
    key = SigningKey.new()
    path = unsigned(folder)
    bundle.sign(path, key, LIMIT)
    return path, trust(key), key


def trust(key: SigningKey, vendor: str = "acme", ids: tuple[str, ...] = ("acme-*",)) -> Trust:
    """Return a trust that holds just this key."""
    return Trust((VendorKey(vendor, key.public.pem.decode(), ids),))
