"""Fills the database with tables and accounts, and collects the static files.

A filled database is reused.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADMIN = "bench"
SHELL = ["shell", "--no-imports", "--verbosity", "0", "--command"]


def fill_database(url: str, accounts: int, folder: Path) -> None:
    """Fills the database, and sets the environment of this process and all that it starts.

    Raises CalledProcessError, or RuntimeError if the database has another number of accounts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(environment(url, folder))
    # Only the web server sets this.
    os.environ.pop("STATEMENT_TIMEOUT_MS", None)
    sys.path.insert(0, str(ROOT / "site"))
    for command in (["migrate", "--no-input"], ["createcachetable"]):
        manage(*command, stdout=subprocess.DEVNULL)
    # The admin has its own table and files.
    admin = {"DJANGO_SETTINGS_MODULE": "benchmarks.admin.settings"}
    for command in (["migrate", "admin", "--no-input"], ["collectstatic", "--no-input"]):
        manage(*command, stdout=subprocess.DEVNULL, **admin)
    existing = count_accounts()
    if existing == 0:
        password = {"ROLLCALL_ADMIN_PASSWORD": secrets.token_urlsafe(24)}
        manage("seed", "--accounts", str(accounts), "--admin", ADMIN, stdout=2, **password)
    elif abs(existing - accounts) > accounts // 100:
        raise RuntimeError(f"it has {existing:,} accounts, not {accounts:,}.")
    move = "from benchmarks.oldest_domain import move_oldest_addresses as move; move()"
    manage(*SHELL, move)


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
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": str(ROOT),
    }


def manage(*arguments: str, stdout: int | None = None, **variables: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=os.environ | variables, stdout=stdout, check=True)


def count_accounts() -> int:
    code = "from users.models import User; print(User.objects.count())"
    command = [sys.executable, "manage.py", *SHELL, code]
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return int(answer.stdout)
