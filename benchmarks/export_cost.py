"""Measures exports: rows a second and memory, for each format at two sizes.

    python -m benchmarks.export_cost [--accounts 1000000] [--few 10000]

It fills a database of its own on a new PostgreSQL server, which it removes afterwards. Each export
runs in a process of its own, as a worker runs it; another process makes the whole file, as a
download or the task does.
"""

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.audit_cost import run_manage, set_environment, set_up_django
from benchmarks.server import run_postgresql

COLUMNS = ["id", "username", "name", "email", "status", "joined"]
FORMATS = ("csv", "xlsx", "jsonl", "scim")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    parser.add_argument("--step", nargs="+", help="of a process that this command starts")
    options = parser.parse_args()
    if options.step:
        set_up_django()
        run_step(*options.step)
        return
    with tempfile.TemporaryDirectory(prefix="rollcall-export-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        with run_postgresql(Path(folder) / "postgresql") as url:
            set_environment(url, folder)
            run_manage("migrate")
            run_manage("createcachetable")
            os.environ["ROLLCALL_ADMIN_PASSWORD"] = "a-password-of-a-benchmark"
            os.environ["BULK_APPROVAL_ABOVE_FOR"] = f"export={10**12}"
            run_manage("seed", "--accounts", str(options.accounts), "--admin", "admin")
            for file_format in options.formats:
                for number in (options.few, options.accounts):
                    start_process("rows", file_format, str(number))
                    start_process("file", file_format, str(number))


def start_process(*step: str) -> None:
    command = [sys.executable, "-m", "benchmarks.export_cost", "--step", *step]
    subprocess.run(command, check=True)


def run_step(name: str, file_format: str, number: str) -> None:
    """Runs one step and prints its time, that of its CPU, its rows a second and the peak of its
    memory.
    """
    began = time.perf_counter()
    cpu_began = time.process_time()
    step = write_rows if name == "rows" else make_file
    rows, size = step(file_format, int(number))
    seconds = time.perf_counter() - began
    cpu = time.process_time() - cpu_began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{file_format} {name}: {rows:,} rows in {seconds:.1f} s ({cpu:.1f} s of CPU), "
        f"{rows / seconds:,.0f} a second, "
        f"{size / 1e6:.1f} MB; peak memory {peak:.0f} MB",
        flush=True,
    )


def write_rows(file_format: str, number: int) -> tuple[int, int]:
    """Exports the oldest accounts. Returns the number of rows and the stored bytes."""
    from django.db.models import Sum
    from django.db.models.functions import Length

    from users.jobs import engine, worker
    from users.models import User

    root = User.objects.filter(is_superuser=True).earliest("pk")
    ids = User.objects.order_by("pk").values_list("pk", flat=True)
    job: Any = engine.start_job(
        "export",
        by=root,
        selection="all=1",
        up_to=ids[number - 1],
        reason="Benchmark",
        parameters={"columns": COLUMNS, "format": file_format},
    )
    while worker.work_time_slice() is not None:
        pass
    job.refresh_from_db()
    stored = job.export.pieces.aggregate(size=Sum(Length("content")))["size"]
    assert (job.state, job.unchanged) == ("done", number), (job.state, job.note)
    return job.unchanged, stored


def make_file(file_format: str, number: int) -> tuple[int, int]:
    """Makes and reads the newest file. Returns the number of rows and its size."""
    from users.transfer.exports import file_content
    from users.transfer.models import Export

    export = Export.objects.select_related("job").latest("pk")
    if file_format == "xlsx":
        file_content.finish_export(export)
    opened = file_content.open_file(export)
    digest = hashlib.sha256()
    for content in opened.content:
        digest.update(content)
    assert digest.hexdigest() == opened.sha256
    return number, opened.size


if __name__ == "__main__":
    main()
