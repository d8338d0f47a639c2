"""`systemctl restart UNIT` for bin/deploy: ends the unit's process, and starts what its file says.

The folder UNITS holds a file with the process id of each unit. A unit that the file "broken" names
fails once, as one of Type=notify whose process ends before it is ready.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

UNITS = Path(os.environ["UNITS"])
SHELL = 'cd "$ROLLCALL_CURRENT" && exec .venv/bin/gunicorn --config site/gunicorn.conf.py wsgi'


def restart(unit: str) -> None:
    note = UNITS / unit
    (UNITS / "log").open("a").write(f"restart {unit}\n")
    if note.exists():
        with suppress(psutil.NoSuchProcess):
            end(psutil.Process(int(note.read_text())))
    if not unit.startswith("rollcall-web@"):
        return
    broken = UNITS / "broken"
    if broken.exists() and broken.read_text() == unit:
        broken.unlink()
        sys.exit(f"Job for {unit}.service failed.")
    variables = os.environ | {"HOST": "127.0.0.1", "PORT": unit.partition("@")[2]}
    output = (UNITS / f"{unit}.log").open("a")
    process = subprocess.Popen(
        ["sh", "-c", SHELL],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    note.write_text(str(process.pid))


def end(process: psutil.Process) -> None:
    process.terminate()
    # A container may have no process that reaps orphans.
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)


if __name__ == "__main__":
    assert sys.argv[1] == "restart", sys.argv
    restart(sys.argv[2])
