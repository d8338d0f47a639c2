"""The whole set on one machine: nginx, two web and two worker processes, PostgreSQL with a replica,
PgBouncer, and Valkey with sentinels.
"""

import os
import signal
import socket
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from string import Template

from benchmarks.faults.postgresql import run_poolers, run_replica
from benchmarks.faults.supervised import Supervised, supervised
from benchmarks.faults.valkey import Valkey
from tests.deploy.nginx import AROUND, HOST, MISSING, NGINX, TEMPLATE, make_certificate
from tests.processes import ROOT, until
from tests.servers import free_port

WEB = [sys.executable, "-m", "gunicorn", "--config", "site/gunicorn.conf.py", "wsgi"]
WORKER = [sys.executable, "manage.py", "worker"]


@dataclass
class Frontend:
    """Where clients connect."""

    folder: Path
    https_port: int

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.folder / "site.crt")
        plain = socket.create_connection(("127.0.0.1", self.https_port), 30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(plain, server_hostname=HOST)


@dataclass
class Site(Frontend):
    """The servers that can be killed."""

    web_ports: list[int]
    web: list[Supervised]
    workers: list[Supervised]
    replica: Supervised
    replica_url: str
    poolers: list[Supervised]
    valkey: Valkey


@contextmanager
def run_site(primary: str) -> Iterator[Site]:
    """Starts all servers in front of the primary, and stops them when the block ends.

    Raises RuntimeError if nginx or PgBouncer is not installed.
    """
    if NGINX is None:
        raise RuntimeError(f"{MISSING}: apt-get install nginx-light")
    with ExitStack() as stack:
        folder = site_folder(stack)
        replica_url, replica = stack.enter_context(run_replica(primary, folder / "replica"))
        pooled_url, poolers = stack.enter_context(run_poolers(primary, folder))
        valkey = Valkey(folder, stack)
        ports = [free_port(), free_port()]
        environment = site_environment(pooled_url, valkey.url, POOLED="1", REPLICA_URL=replica_url)
        web = [start_web(port, environment, folder, stack) for port in ports]
        workers = [start_worker(number, environment, folder, stack) for number in (1, 2)]
        https_port = start_nginx(ports, folder, stack)
        yield Site(
            folder=folder,
            https_port=https_port,
            web_ports=ports,
            web=web,
            workers=workers,
            replica=replica,
            replica_url=replica_url,
            poolers=poolers,
            valkey=valkey,
        )


def site_folder(stack: ExitStack) -> Path:
    """Returns a new folder that other accounts may enter."""
    temporary = tempfile.TemporaryDirectory(prefix="rollcall-", ignore_cleanup_errors=True)
    folder = Path(stack.enter_context(temporary))
    folder.chmod(0o755)
    return folder


def site_environment(database: str, redis: str, **more: str) -> dict[str, str]:
    """Returns the environment of web and worker processes, as in production."""
    return os.environ | {
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "SITE_URL": f"https://{HOST}",
        "ALLOWED_HOSTS": HOST,
        "TRUSTED_PROXIES": "1",
        "HOST": "127.0.0.1",
        "WEB_CONCURRENCY": "1",
        "LOG_FORMAT": "json",
        "BULK_APPROVAL_ABOVE": str(10**12),
        "BULK_APPROVAL_SHARE": "100",
        **more,
    }


def start_web(port: int, environment: dict[str, str], folder: Path, stack: ExitStack) -> Supervised:
    variables = environment | {"PORT": str(port)}
    log = folder / f"web-{port}.log"
    server = stack.enter_context(supervised(WEB, log, cwd=ROOT, env=variables))
    until(lambda: listens(port))
    return server


def start_worker(
    number: int, environment: dict[str, str], folder: Path, stack: ExitStack
) -> Supervised:
    log = folder / f"worker-{number}.log"
    return stack.enter_context(supervised(WORKER, log, cwd=ROOT, env=environment))


def start_nginx(web_ports: list[int], folder: Path, stack: ExitStack) -> int:
    """Starts nginx with the configuration of deploy/nginx/. Returns its port for TLS."""
    make_certificate(folder)
    https_port = free_port()
    names = {
        "ROLLCALL_HOST": HOST,
        "ROLLCALL_HTTP_PORT": f"127.0.0.1:{free_port()}",
        "ROLLCALL_HTTPS_PORT": f"127.0.0.1:{https_port}",
        "ROLLCALL_CERTIFICATE": folder / "site.crt",
        "ROLLCALL_CERTIFICATE_KEY": folder / "site.key",
        "ROLLCALL_STATIC": Path(os.environ["VAR_DIR"]) / "static",
        "ROLLCALL_LOG": folder / "access.log",
        "ROLLCALL_WEB_1": f"127.0.0.1:{web_ports[0]}",
        "ROLLCALL_WEB_2": f"127.0.0.1:{web_ports[1]}",
    }
    filled = Template(TEMPLATE.read_text()).safe_substitute(names)
    (folder / "rollcall.conf").write_text(filled)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=getuser()))
    command = [NGINX, "-c", folder / "nginx.conf", "-p", folder, "-g", "daemon off;"]
    log = folder / "nginx.log"
    stack.enter_context(supervised(command, log, stop=signal.SIGQUIT))
    until(lambda: listens(https_port))
    return https_port


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
