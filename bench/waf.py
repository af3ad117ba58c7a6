"""nginx as a plain proxy and with ModSecurity and the OWASP core rules, and as the server behind all."""

import re
import shutil
import subprocess
from pathlib import Path

from bench.debs import libraries, unpacked

PACKAGES = ("nginx", "libnginx-mod-http-modsecurity", "modsecurity-crs")
UPSTREAM = """
    server {{
        listen {address}:{port} backlog=512;
        location / {{
            add_header Location http://his.lan/fhir/Observation/o1/_history/1 always;
            add_header ETag 'W/"1"' always;
            default_type application/fhir+json;
            return 201 '{said}';
        }}
    }}"""
PROXY = """
    upstream far {{ server {far}; keepalive 32; }}
    server {{
        listen {address}:{port} backlog=512;
        {rules}
        location / {{ proxy_pass http://far; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}"""
CONFIGURATION = """
daemon off; worker_processes {workers}; pid {folder}/pid; error_log {folder}/error.log crit;
{modules}
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000; client_body_buffer_size 64k;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {servers}
}}"""
ANSWER = '{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"}}'


class Nginx:
    """One nginx in a network namespace, ended by its process id."""

    def __init__(
        self, namespace: str, folder: Path, servers: str, *, modules: str = "", workers: int = 1
    ) -> None:
        root = unpacked(*PACKAGES)
        folder.mkdir()
        file = folder / "nginx.conf"
        file.write_text(
            CONFIGURATION.format(folder=folder, servers=servers, modules=modules, workers=workers)
        )
        argv = [
            "nsenter",
            f"--net=/run/netns/{namespace}",
            str(root / "usr/sbin/nginx"),
            "-p",
            str(folder),
            "-c",
            str(file),
        ]
        self._process = subprocess.Popen(argv, env=libraries(root), stderr=subprocess.DEVNULL)
        self.folder = folder

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def upstream(namespace: str, folder: Path, address: str, port: int = 8080) -> Nginx:
    """Start the server that answers every request with 201."""
    return Nginx(namespace, folder, UPSTREAM.format(address=address, port=port, said=ANSWER))


def proxy(namespace: str, folder: Path, *, inspects: bool, workers: int) -> Nginx:
    """Start a proxy on 127.0.0.1:8081 before 127.0.0.1:8080, with the core rules or without."""
    modules = rules = ""
    if inspects:
        lib = unpacked(*PACKAGES) / "usr/lib/nginx/modules"
        modules = f"load_module {lib}/ndk_http_module.so; load_module {lib}/ngx_http_modsecurity_module.so;"
        if not (lib / "ndk_http_module.so").exists():
            modules = f"load_module {lib}/ngx_http_modsecurity_module.so;"
        rules = f"modsecurity on; modsecurity_rules_file {_rules(folder.parent)};"
    servers = PROXY.format(address="127.0.0.1", port=8081, far="127.0.0.1:8080", rules=rules)
    return Nginx(namespace, folder, servers, modules=modules, workers=workers)


def _rules(folder: Path) -> Path:
    """Write the rules: Debian's own configuration, blocking, FHIR's content type known as JSON."""
    root = unpacked(*PACKAGES)
    told = (root / "etc/nginx/modsecurity.conf").read_text()
    told = told.replace("SecRuleEngine DetectionOnly", "SecRuleEngine On")
    told = told.replace('"^application/json"', '"^application/(?:fhir\\+)?json"')
    told = re.sub(r"(?m)^SecAuditEngine .*", "SecAuditEngine Off", told)
    told = told.replace("unicode.mapping", str(root / "etc/nginx/unicode.mapping"))
    types = "|application/x-www-form-urlencoded| |application/json| |application/fhir+json|"
    told += (
        f"\nInclude {root}/etc/modsecurity/crs/crs-setup.conf\n"
        'SecAction "id:900220,phase:1,nolog,pass,t:none,'
        f"setvar:'tx.allowed_request_content_type={types}'\"\n"
        f"Include {root}/usr/share/modsecurity-crs/rules/*.conf\n"
    )
    file = folder / "rules.conf"
    file.write_text(told)
    return file
