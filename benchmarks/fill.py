"""Fills the database with tables and accounts, and collects the static files.

A filled database is reused.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import django
from django.core.management import call_command
from django.db import connections

ROOT = Path(__file__).resolve().parents[1]
ADMIN = "bench"
# The admin has its own table and files.
FILL_ADMIN = """
from django.core.management import call_command
call_command("migrate", "admin", interactive=False, verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
"""


def fill_database(url: str, accounts: int, folder: Path) -> None:
    """Fills the database, and sets the environment of this process and all that it starts.

    Raises CalledProcessError, CommandError or DatabaseError, or RuntimeError if the database has
    another number of accounts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(environment(url, folder))
    # Only the web server sets this.
    os.environ.pop("STATEMENT_TIMEOUT_MS", None)
    sys.path.insert(0, str(ROOT / "site"))
    # In this process, since each start of Django takes a second.
    django.setup()
    call_command("release", verbosity=0)
    shell = ("shell", "--no-imports", "--verbosity", "0", "--command")
    manage(*shell, FILL_ADMIN, DJANGO_SETTINGS_MODULE="benchmarks.admin.settings")
    fill_tables(accounts)


def fill_tables(accounts: int) -> None:
    """Creates the accounts if there are none."""
    from benchmarks.oldest_domain import move_oldest_addresses
    from users.models import User

    existing = User.objects.count()
    if existing == 0:
        password = {"ROLLCALL_ADMIN_PASSWORD": secrets.token_urlsafe(24)}
        with patch.dict(os.environ, password):
            call_command("seed", accounts=accounts, admin=ADMIN, stdout=sys.stderr)
    elif abs(existing - accounts) > accounts // 100:
        raise RuntimeError(f"it has {existing:,} accounts, not {accounts:,}.")
    move_oldest_addresses()
    connections.close_all()


def environment(url: str, folder: Path) -> dict[str, str]:
    """Returns production settings, except for plain HTTP on this machine. They override .env."""
    return {
        "DATABASE_URL": url,
        "VAR_DIR": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(60),
        "SITE_URL": "http://localhost:8000",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DEBUG": "0",
        "REDIS_URL": "",
        "EMAIL_URL": "",
        "LOG_LEVEL": "WARNING",
        # One person opens and searches for everything. It is counted, but never asked about.
        "METER_BUDGETS": f"openings={10**12},searches={10**12}",
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": str(ROOT),
    }


def manage(*arguments: str, stdout: int | None = None, **variables: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=os.environ | variables, stdout=stdout, check=True)
