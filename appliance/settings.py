"""The box's settings: one frozen object, read from a TOML file, every key with a sentence."""

import json
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from appliance.errors import BadInput

FILE = Path("/etc/hbox/hbox.toml")
FACTOR_POLICIES = ("required", "optional")


@dataclass(frozen=True)
class Settings:
    """Where things lie and how long they live. Durations in seconds, sizes in bytes."""

    state: Path = field(
        default=Path("/var/lib/hbox"), metadata={"sentence": "Everything the box must not lose."}
    )
    run: Path = field(
        default=Path("/run/hbox"), metadata={"sentence": "Sockets and other things of this boot."}
    )
    site_name: str = field(
        default="示范医院",
        metadata={"sentence": "The hospital's name, shown in console and reports."},
    )
    console_port: int = field(
        default=8443, metadata={"sentence": "TCP port of console and API, TLS only."}
    )
    screen_port: int = field(
        default=8446,
        metadata={
            "sentence": "TCP port of the machines' consoles in the browser (WebSocket), TLS only."
        },
    )
    session_idle: int = field(
        default=900, metadata={"sentence": "A console session ends after this idle time, seconds."}
    )
    session_absolute: int = field(
        default=28800,
        metadata={"sentence": "A console session ends after this time in any case, seconds."},
    )
    second_factor: str = field(
        default="required",
        metadata={
            "sentence": "Whether the administrators' log-in takes a one-time code: required, or optional (of those who bound one)."
        },
    )
    password_days: int = field(
        default=90,
        metadata={"sentence": "A console password must be changed after so many days."},
    )
    body_limit: int = field(
        default=262144, metadata={"sentence": "Largest JSON body the API accepts, bytes."}
    )
    module_limit: int = field(
        default=268435456, metadata={"sentence": "Largest module bundle the box accepts, bytes."}
    )
    lease: int = field(
        default=30,
        metadata={"sentence": "A worker's claim on a job expires after this time, seconds."},
    )
    intranet_subnet: str = field(
        default="10.66.0.0/24", metadata={"sentence": "IPv4 network of the intranet zone."}
    )
    extranet_subnet: str = field(
        default="10.88.0.0/24", metadata={"sentence": "IPv4 network of the extranet zone."}
    )
    database_url: str = field(
        default="",
        metadata={
            "sentence": "PostgreSQL for the records, as an SQLAlchemy URL without a password; empty: SQLite under `state`."
        },
    )
    syslog_remote: str = field(
        default="",
        metadata={
            "sentence": "A second syslog for alerts and journal heads, udp://host:port or tcp://host:port."
        },
    )

    def __post_init__(self) -> None:
        if self.second_factor not in FACTOR_POLICIES:
            why = f"not one of {', '.join(FACTOR_POLICIES)}"
            raise BadInput(what=f"{FILE}: second_factor", why=why)
        if self.password_days < 1:
            raise BadInput(what=f"{FILE}: password_days", why="less than 1")

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the records."""
        return self.database_url or f"sqlite:///{self.state / 'db' / 'hbox.sqlite'}"

    @property
    def keys(self) -> Path:
        """Folder of the box's private keys (0700, root)."""
        return self.state / "keys"


def changed(text: str, key: str, value: str) -> str:
    """Return a settings file's text with one key set, or left to its default where `value` is "".

    All other lines stay as they are, comments too. Raises `BadInput` where that cannot be done safely.
    """
    kept = [line for line in text.splitlines() if line.partition("=")[0].strip() != key]
    made = [f"{key} = {json.dumps(value)}"] if value else []
    new = "".join(f"{line}\n" for line in (*made, *kept))
    try:
        wanted = {name: held for name, held in tomllib.loads(text).items() if name != key}
        same = tomllib.loads(new) == wanted | ({key: value} if value else {})
    except tomllib.TOMLDecodeError as error:
        raise BadInput(what=str(FILE), why=str(error)) from error
    if not same:
        raise BadInput(what=str(FILE), why=f"{key}: 请手工修改 change it by hand")
    return new


def load(path: Path = FILE) -> Settings:
    """Read `path`; a missing file means defaults; an unknown key or a wrong type raises `BadInput`."""
    if not path.exists():
        return Settings()
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(what=str(path), why=str(error)) from error
    known = {f.name: f for f in fields(Settings)}
    chosen: dict[str, object] = {}
    for key, value in raw.items():
        if key not in known:
            raise BadInput(what=f"{path}: {key}", why="unknown key")
        wanted = type(known[key].default)
        if issubclass(wanted, Path) and isinstance(value, str):
            chosen[key] = Path(value)
        elif isinstance(value, wanted):
            chosen[key] = value
        else:
            raise BadInput(what=f"{path}: {key}", why=f"expected {wanted.__name__}")
    return Settings(**chosen)  # type: ignore[arg-type]  # types were checked above
