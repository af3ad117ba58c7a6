"""Says which fields a log-in to the console takes, as the running console describes itself; one per line.

python -I -m compliance.login_form [URL CA]
"""

import json
import ssl
import sys
import urllib.request
from typing import Any

URL = "https://127.0.0.1:8443/api/openapi.json"
CA = "/var/lib/hbox/tls/ca.crt"
PATIENCE = 10.0  # seconds


def fields(described: dict[str, Any]) -> list[str]:
    """Return the names of the fields in an OpenAPI description; raises `KeyError` where there is no log-in."""
    body = described["paths"]["/api/v1/login"]["post"]["requestBody"]
    form = body["content"]["application/json"]["schema"]
    while "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        form = described["components"]["schemas"][name]
    return sorted(form["properties"])


def main(arguments: list[str]) -> int:
    """Print the fields; exit 1 when the console did not describe them."""
    url, authority = arguments or (URL, CA)
    try:
        trusted = ssl.create_default_context(cafile=authority)
        with urllib.request.urlopen(url, timeout=PATIENCE, context=trusted) as answer:  # noqa: S310 - https, ours
            found = fields(json.load(answer))
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write("\n".join(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
