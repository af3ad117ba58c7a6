"""Asks the database of the records whether it holds together; prints `ok` or what it found.

python -I -m compliance.records_whole
"""

import sys
from collections.abc import Iterator

from appliance.settings import Settings, load
from compliance.records import RecordsUnread, values

_DAMAGE = ("malformed", "not a database")  # as SQLite says it
_SQLITE = ("PRAGMA quick_check(20)", "PRAGMA foreign_key_check")
_SERVED = (
    "SELECT 'data_checksums is off' WHERE current_setting('data_checksums') <> 'on'",
    "SELECT datname || ': ' || checksum_failures || ' broken pages' FROM pg_stat_database WHERE checksum_failures > 0",
)


def found(settings: Settings) -> Iterator[str]:
    """Yield what is wrong, one line each; raises `RecordsUnread`."""
    served = settings.database.startswith("postgresql")
    for query in _SERVED if served else _SQLITE:
        for row in values(settings, query):
            line = " ".join(str(part) for part in row)
            if line != "ok":
                yield line


def main(settings: Settings) -> int:
    """Print the lines; exit 0 when there were none, 1 otherwise, 2 when the database could not be asked."""
    try:
        lines = list(found(settings))
    except RecordsUnread as error:
        lines = [str(error)]
        if not any(word in lines[0] for word in _DAMAGE):
            sys.stderr.write(f"{error}\n")
            return 2
    sys.stdout.write("\n".join(lines or ["ok"]) + "\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(load()))
