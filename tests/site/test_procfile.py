"""What the Procfile says, as a platform runs it: built, released, served with production settings
behind a proxy with TLS.
"""

import json
import re
import subprocess
import sys
from html import unescape

import pytest

from tests.processes import ROOT, environment, running, until
from tests.servers import free_port
from tests.site.test_settings import PRODUCTION
from tests.visitor import Visitor

pytestmark = pytest.mark.postgresql  # as in production

HOST = "rollcall.example.com"
PASSWORD = "correct-horse-battery"
PROCFILE = dict(
    line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line
)


@pytest.fixture
def production(empty_database, tmp_path) -> dict[str, str]:
    """The environment of a deployment."""
    here = {
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": empty_database,
    }
    few = {
        "WEB_CONCURRENCY": "1",
        "WORKER_CONCURRENCY": "1",
        "STATEMENT_TIMEOUT_MS": "60000",
        "TRUSTED_PROXIES": "1",
    }
    return PRODUCTION | here | few | {"ROLLCALL_ADMIN_PASSWORD": PASSWORD}


def command(line: str, variables: dict[str, str]) -> None:
    result = subprocess.run(
        line,
        shell=True,
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.long(15)
@pytest.mark.django_db
def test_a_deployment_serves_signs_in_and_stops(production, tmp_path):
    command(f"{sys.executable} manage.py collectstatic --no-input", production)
    command(PROCFILE["release"], production)
    command(PROCFILE["release"], production)  # every deployment runs it again
    command(f"{sys.executable} manage.py seed --accounts 40 --admin ada", production)
    with (
        running(f"exec {PROCFILE['web']}", tmp_path, **production) as web,
        running(f"exec {PROCFILE['worker']}", tmp_path, **production) as worker,
    ):
        until(lambda: web.process.poll() is not None or Visitor(production["PORT"], HOST).answers())
        probes_and_plain_http(Visitor(production["PORT"], HOST))
        signs_in_and_works(Visitor(production["PORT"], HOST, proxied=True))
        assert web.stop() == 0
        assert worker.stop() == 0
        assert not web.tree()
        assert not worker.tree()


def probes_and_plain_http(inside: Visitor) -> None:
    response, _ = inside.ask("/login/")
    assert response.status == 301
    assert response.headers["Location"] == "https://rollcall.example.com/login/"
    everything = {"database": "ok", "cache": "ok", "workers": "ok", "migrations": "ok"}

    def report() -> dict[str, object]:
        found = json.loads(inside.ask("/readyz")[1])
        # The process that answered may be another one than that of the request past the proxy.
        assert "X-Forwarded-For" in found.pop("proxy", "X-Forwarded-For")
        return found

    until(lambda: report().items() >= everything.items())


def signs_in_and_works(visitor: Visitor) -> None:
    response, page = visitor.ask("/users/")
    assert (response.status, response.headers["Location"]) == (302, "/login/?next=%2Fusers%2F")
    response, page = visitor.ask("/login/?next=%2Fusers%2F")
    assert response.status == 200
    assert "max-age=31536000" in response.headers["Strict-Transport-Security"]
    stylesheet = re.search(r'href="(/static/rollcall[^"]*\.css)"', page)
    assert stylesheet
    assert "immutable" in visitor.ask(stylesheet[1])[0].headers["Cache-Control"]
    refuses_a_forged_form(visitor)
    response, page = visitor.sign_in("ada", PASSWORD)
    assert (response.status, response.headers["Location"]) == (302, "/users/"), page
    session = visitor.cookies["__Host-session"]
    assert session["secure"]
    assert session["httponly"]
    response, page = visitor.ask("/users/?q=ada")
    assert response.status == 200
    assert "ada" in unescape(page)
    assert "/logout/" in page


def refuses_a_forged_form(visitor: Visitor) -> None:
    response, _ = visitor.ask("/login/", {"login": "ada", "password": PASSWORD})
    assert response.status == 403
