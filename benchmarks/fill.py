"""Fills the database: tables, accounts, static files. A filled one is used again."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADMIN = "bench"
SHELL = ["shell", "--no-imports", "--verbosity", "0", "--command"]


def fill(url: str, accounts: int, folder: Path) -> None:
    """Sets the environment for this process and all that it starts. Raises CalledProcessError or
    RuntimeError.
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
    if (there := count()) == 0:
        password = {"ROLLCALL_ADMIN_PASSWORD": secrets.token_urlsafe(24)}
        manage("seed", "--accounts", str(accounts), "--admin", ADMIN, stdout=2, **password)
    elif abs(there - accounts) > accounts // 100:
        raise RuntimeError(f"there are {there:,} accounts in it and not {accounts:,}.")
    manage(*SHELL, "from benchmarks.farend import move; move()")


def environment(url: str, folder: Path) -> dict[str, str]:
    """Settings as in production, except for plain HTTP on this machine. They override .env."""
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


def count() -> int:
    code = "from users.models import User; print(User.objects.count())"
    command = [sys.executable, "manage.py", *SHELL, code]
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return int(answer.stdout)
