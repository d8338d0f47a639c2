"""Makes the database ready: tables, accounts, static files. What is there already is used again."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADMIN = "bench"


def fill(url: str, accounts: int, folder: Path) -> None:
    """Sets the environment for this process and all that it starts. Raises CalledProcessError or
    RuntimeError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(environment(url, folder))
    os.environ.pop("STATEMENT_TIMEOUT_MS", None)  # the web server's own matter
    sys.path.insert(0, str(ROOT / "site"))
    for command in (["migrate", "--no-input"], ["createcachetable"]):
        manage(*command, stdout=subprocess.DEVNULL)
    for command in (
        ["migrate", "admin", "--no-input"],
        ["collectstatic", "--no-input"],
    ):  # it has its own table and files
        manage(
            *command, stdout=subprocess.DEVNULL, DJANGO_SETTINGS_MODULE="benchmarks.admin.settings"
        )
    if (there := count()) == 0:
        manage(
            "seed",
            "--accounts",
            str(accounts),
            "--admin",
            ADMIN,
            stdout=2,
            ROLLCALL_ADMIN_PASSWORD=secrets.token_urlsafe(24),
        )
    elif abs(there - accounts) > accounts // 100:
        raise RuntimeError(f"there are {there:,} accounts in it and not {accounts:,}.")
    manage(
        "shell",
        "--no-imports",
        "--verbosity",
        "0",
        "--command",
        "from benchmarks.farend import move; move()",
    )


def environment(url: str, folder: Path) -> dict[str, str]:
    """Settings as in production, but for plain HTTP on this machine. Nothing of .env gets through."""
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
    command = [
        sys.executable,
        "manage.py",
        "shell",
        "--no-imports",
        "--verbosity",
        "0",
        "--command",
    ]
    answer = subprocess.run(
        [*command, "from users.models import User; print(User.objects.count())"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(answer.stdout)
