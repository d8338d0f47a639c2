"""nginx with the site's configuration, two web processes behind it, and a client over TLS."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from getpass import getuser
from pathlib import Path
from string import Template

import psutil

from tests.processes import ROOT, environment, running, until
from tests.servers import free_port
from tests.site.test_settings import PRODUCTION

HOST = "rollcall.example.com"
TEMPLATE = ROOT / "deploy" / "nginx" / "rollcall.conf.template"
# Debian has it in a folder that is not on everybody's PATH.
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
MISSING = "nginx is not installed"
AROUND = """
user {user};
worker_processes 1;
worker_rlimit_nofile 8192;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/rollcall.conf;
}}
"""


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Site:
    """The site, whose web processes are the units of tests/deploy/fake_systemctl.py."""

    folder: Path
    http_port: int = field(default_factory=free_port)
    https_port: int = field(default_factory=free_port)
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])

    @property
    def units(self) -> Path:
        return self.folder / "units"

    def variables(self) -> dict[str, str]:
        return PRODUCTION | {
            "VAR_DIR": str(self.folder / "var"),
            "WEB_CONCURRENCY": "1",
            "TRUSTED_PROXIES": "1",
            "STATEMENT_TIMEOUT_MS": "60000",
            "ROLLCALL_ENV": str(self.folder / "env"),
            "ROLLCALL_RELEASE_ENV": str(self.folder / "release-env"),
            "ROLLCALL_CURRENT": str(self.folder / "current"),
            "ROLLCALL_WEB_PORTS": " ".join(map(str, self.ports)),
            "ROLLCALL_START_SECONDS": "60",
            "UNITS": str(self.units),
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
        }

    def deploy(self, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "bin" / "deploy"],
            env=environment(**self.variables() | changes),
            capture_output=True,
            text=True,
            check=False,
        )

    def restart(self, number: int) -> None:
        command = [str(self.folder / "systemctl"), "restart", f"rollcall-web@{self.ports[number]}"]
        subprocess.run(command, env=environment(**self.variables()), check=True)

    def web_process(self, number: int) -> psutil.Process:
        note = self.units / f"rollcall-web@{self.ports[number]}"
        return psutil.Process(int(note.read_text()))

    def connect(self, name: str = HOST) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.folder / "site.crt")
        plain = socket.create_connection(("127.0.0.1", self.https_port), 60)
        return context.wrap_socket(plain, server_hostname=name)

    def message(
        self, path: str, method: str, sent: bytes, body: bytes, headers: dict[str, str]
    ) -> bytes:
        """Returns a request with `sent` in place of the `body` that its head announces."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Host": HOST, "Connection": "close", "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + sent

    def ask(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        with self.connect() as client:
            client.sendall(self.message(path, method, body, body, headers))
            response = http.client.HTTPResponse(client, method=method)
            response.begin()
            return Answer(response.status, response.headers, response.read())

    def stop(self) -> None:
        for note in self.units.glob("rollcall-web@*[0-9]"):
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(int(note.read_text()))
                for each in [process, *process.children(recursive=True)]:
                    each.kill()


@contextmanager
def served_site(folder: Path) -> Iterator[Site]:
    """Deploys this checkout for the first time, and starts nginx in front of it."""
    site = Site(folder)
    site.units.mkdir()
    prepare_files(site)
    with ExitStack() as stack:
        stack.callback(site.stop)
        first = site.deploy()
        assert first.returncode == 0, first.stdout + first.stderr
        command = [NGINX, "-c", folder / "nginx.conf", "-p", folder, "-g", "daemon off;"]
        stack.enter_context(running(command, folder))
        until(lambda: answers(site))
        yield site


def prepare_files(site: Site) -> None:
    folder = site.folder
    (folder / "env").write_text("LOG_LEVEL=WARNING\n")
    (folder / "release-env").write_text(f": >'{folder}/release-env-was-read'\n")
    stand_in = folder / "systemctl"
    script = Path(__file__).with_name("fake_systemctl.py")
    stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    stand_in.chmod(0o755)
    make_certificate(folder)
    names = {
        "ROLLCALL_HOST": HOST,
        "ROLLCALL_HTTP_PORT": f"127.0.0.1:{site.http_port}",
        "ROLLCALL_HTTPS_PORT": f"127.0.0.1:{site.https_port}",
        "ROLLCALL_CERTIFICATE": folder / "site.crt",
        "ROLLCALL_CERTIFICATE_KEY": folder / "site.key",
        "ROLLCALL_STATIC": folder / "var" / "static",
        "ROLLCALL_LOG": folder / "access.log",
        "ROLLCALL_WEB_1": f"127.0.0.1:{site.ports[0]}",
        "ROLLCALL_WEB_2": f"127.0.0.1:{site.ports[1]}",
    }
    filled = Template(TEMPLATE.read_text()).safe_substitute(names)
    (folder / "rollcall.conf").write_text(filled)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=getuser()))


def make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    command += ["-addext", f"subjectAltName=DNS:{HOST}"]
    command += ["-keyout", str(folder / "site.key"), "-out", str(folder / "site.crt")]
    subprocess.run(command, check=True, capture_output=True)


def answers(site: Site) -> bool:
    try:
        return site.ask("/healthz").status == 200
    except OSError:
        return False
