"""Two PostgreSQL servers under Patroni, with etcd: if one host is gone, the other one takes over.

Each server stands for a host: Patroni and PostgreSQL are killed together, and stay away.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.extra_packages import ROOT, install_packages
from benchmarks.faults.supervised import Supervised, supervised
from benchmarks.server import PRODUCTION, ensure_database, nobody_account, server_environment
from tests.processes import until
from tests.servers import free_port, postgresql_programs, reachable

PACKAGES = ROOT / ".venv" / "failover"
REQUIREMENTS = ROOT / "benchmarks" / "requirements-failover.txt"
ETCD_MISSING = "etcd is not installed: apt-get install etcd-server"
# A host that was killed stays away for longer than its lease of the leadership lasts.
AWAY_SECONDS = 45.0
LEASE_SECONDS = 20
# The other server has each commit before a client learns of it, so a failover loses none.
CLUSTER = {
    "ttl": LEASE_SECONDS,
    "loop_wait": 2,
    "retry_timeout": 5,
    "synchronous_mode": True,
    "postgresql": {"use_pg_rewind": True},
}
USERS = {
    "superuser": {"username": "postgres", "password": "postgres"},
    "replication": {"username": "replicator", "password": "replicator"},
}
ACCESS = [
    "local all all trust",
    "host all all 127.0.0.1/32 trust",
    "host replication replicator 127.0.0.1/32 trust",
]


@dataclass
class Node:
    """A host with Patroni and PostgreSQL."""

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    rest_port: int = field(default_factory=free_port)
    server: Supervised | None = None

    def has_role(self, role: str) -> bool:
        """Returns whether Patroni says that its server has a role, such as “primary” or “sync”."""
        url = f"http://127.0.0.1:{self.rest_port}/{role}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """Kills Patroni and PostgreSQL, as if the host had lost its power."""
        processes = self.postgresql()
        if self.server:
            self.server.kill()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def postgresql(self) -> list[psutil.Process]:
        """Returns the processes of its PostgreSQL, which are no children of Patroni."""
        try:
            pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            server = psutil.Process(pid)
            return [server, *server.children(recursive=True)]
        except (OSError, psutil.NoSuchProcess):
            return []


@dataclass
class Cluster:
    nodes: list[Node]

    @property
    def url(self) -> str:
        """The URL that reaches whichever server is the primary."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgres://postgres@{hosts}/postgres?target_session_attrs=read-write"

    def is_complete(self) -> bool:
        """Returns whether there is a primary with a synchronous standby."""
        primaries = [node for node in self.nodes if node.has_role("primary")]
        standbys = [node for node in self.nodes if node.has_role("sync")]
        return len(primaries) == len(standbys) == 1

    def primary(self) -> Node:
        [node] = [node for node in self.nodes if node.has_role("primary")]
        return node

    def other(self, node: Node) -> Node:
        [other] = [each for each in self.nodes if each is not node]
        return other


@contextmanager
def run_cluster() -> Iterator[tuple[Cluster, str]]:
    """Yields two servers in a temporary folder, and the URL of the database "rollcall" on them.

    Raises RuntimeError without etcd.
    """
    etcd = shutil.which("etcd")
    if etcd is None:
        raise RuntimeError(ETCD_MISSING)
    install_packages(REQUIREMENTS, PACKAGES)
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="rollcall-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))
        folder.chmod(0o755)
        etcd_port = run_etcd(etcd, folder, stack)
        cluster = Cluster([Node(f"node{number}", folder / f"node{number}") for number in (1, 2)])
        for node in cluster.nodes:
            stack.callback(node.kill)
            run_node(node, etcd_port, stack)
            until(lambda: any(each.has_role("primary") for each in cluster.nodes))
        until(cluster.is_complete)
        yield cluster, ensure_database(cluster.url)


def run_etcd(program: str, folder: Path, stack: ExitStack) -> int:
    """Starts one etcd; in production there are three. Returns its port."""
    port, peer_port = free_port(), free_port()
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    command = [program, "--data-dir", folder / "etcd", "--log-level", "error"]
    command += ["--listen-client-urls", client, "--advertise-client-urls", client]
    command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
    command += ["--initial-cluster", f"default={peer}"]
    stack.enter_context(supervised(command, folder / "etcd.log"))
    until(lambda: answers(f"{client}/health"))
    return port


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except OSError:
        return False
    return True


def run_node(node: Node, etcd_port: int, stack: ExitStack) -> None:
    node.folder.mkdir()
    programs = postgresql_programs()
    options: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root, and Patroni starts it
        options = nobody_account(node.folder, node.folder)
        programs = reachable(programs, node.folder, options)
    environment = server_environment() | {"PYTHONPATH": str(PACKAGES)}
    options |= {"cwd": node.folder, "env": environment}
    command = [sys.executable, "-m", "patroni"]
    subprocess.run([*command, "--version"], check=True, stdout=subprocess.DEVNULL, **options)
    file = node.folder / "patroni.yml"
    file.write_text(json.dumps(node_settings(node, etcd_port, programs)))
    log = node.folder / "log"
    server = supervised(
        [*command, file],
        log,
        stop=signal.SIGTERM,
        pause=AWAY_SECONDS,
        **options,
    )
    node.server = stack.enter_context(server)


def node_settings(node: Node, etcd_port: int, programs: Path) -> dict[str, Any]:
    """Returns the configuration of Patroni. JSON is YAML."""
    rest = f"127.0.0.1:{node.rest_port}"
    return {
        "scope": "rollcall",
        "name": node.name,
        "restapi": {"listen": rest, "connect_address": rest},
        "etcd3": {"host": f"127.0.0.1:{etcd_port}"},
        "bootstrap": {
            "dcs": CLUSTER,
            "initdb": ["data-checksums", {"encoding": "UTF8"}, {"locale": "C.UTF-8"}],
        },
        "postgresql": server_settings(node, programs),
    }


def server_settings(node: Node, programs: Path) -> dict[str, Any]:
    """Returns the part of the configuration about PostgreSQL."""
    parameters = PRODUCTION | {
        "shared_buffers": "512MB",
        "unix_socket_directories": str(node.folder),
    }
    # Patroni sets it.
    del parameters["listen_addresses"]
    address = f"127.0.0.1:{node.port}"
    return {
        "listen": address,
        "connect_address": address,
        "data_dir": str(node.folder / "data"),
        "bin_dir": str(programs),
        "pgpass": str(node.folder / "pgpass"),
        "authentication": USERS,
        "pg_hba": ACCESS,
        "parameters": parameters,
    }


def is_writable(url: str) -> bool:
    """Returns whether a client reaches a primary."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
