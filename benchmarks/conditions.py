"""The machine, versions and settings of a run, which its report lists."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import django
from django.db import connection

from benchmarks.peers import CLIENTS, WORKERS

SETTINGS = (
    "shared_buffers",
    "work_mem",
    "maintenance_work_mem",
    "random_page_cost",
    "max_wal_size",
    "fsync",
    "jit",
)


def run_conditions(accounts: int, **more: object) -> dict[str, object]:
    return {
        "accounts": accounts,
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "cpu": f"{os.cpu_count()} × {cpu()}",
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "django": django.get_version(),
        "gunicorn": f"{version('gunicorn')}, {WORKERS} workers of 4 threads",
        "database": database(),
        "clients": CLIENTS,
    } | more


def cpu() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def database() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            return f"SQLite {cursor.fetchone()[0]}"
        cursor.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)",
            [list(SETTINGS)],
        )
        values = dict(cursor.fetchall())
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}; " + ", ".join(
            f"{name} {values[name]}" for name in SETTINGS
        )
