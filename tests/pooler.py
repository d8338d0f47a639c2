"""PgBouncer with the configuration of deploy/pgbouncer/."""

import os
import pwd
import shutil
from pathlib import Path
from string import Template
from typing import Any

from tests.processes import ROOT

TEMPLATE = ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini.template"
# Debian installs it where accounts without privileges do not look.
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
MISSING = "PgBouncer is not installed: apt-get install pgbouncer"
PASSWORD = "only-for-tests"


def pooler_url(port: int) -> str:
    """Returns the URL of PgBouncer, without the name of a database."""
    return f"postgres://postgres:{PASSWORD}@127.0.0.1:{port}"


def write_configuration(folder: Path, server: str, port: int, *, size: int, clients: int) -> Path:
    """Writes the files of a PgBouncer before the server whose socket is in the folder `server`.

    `size`: connections to the server. Returns the path of the configuration.
    """
    users = folder / f"pgbouncer-{port}.users"
    users.write_text(f'"postgres" "{PASSWORD}"\n')
    users.chmod(0o644)  # PgBouncer runs as another account
    names = {
        "ROLLCALL_DB_HOST": server,
        "ROLLCALL_DB_PORT": 5432,
        "ROLLCALL_POOLER_ADDRESS": "127.0.0.1",
        "ROLLCALL_POOLER_PORT": port,
        "ROLLCALL_POOLER_USERS": users,
        "ROLLCALL_POOL_SIZE": size,
        "ROLLCALL_POOLER_CLIENTS": clients,
    }
    file = folder / f"pgbouncer-{port}.ini"
    file.write_text(Template(TEMPLATE.read_text()).safe_substitute(names))
    return file


def pooler_account() -> dict[str, Any]:
    """Returns the options of a process that runs PgBouncer, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
