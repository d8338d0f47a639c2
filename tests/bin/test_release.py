"""bin/release: a role that migrates and owns the tables, and one that serves and owns none."""

import json
import re
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from tests.processes import ROOT, environment, running, until
from tests.servers import free_port
from tests.site.test_procfile import HOST, PASSWORD, PROCFILE
from tests.site.test_settings import PRODUCTION
from tests.visitor import Visitor

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

FORBIDDEN = [
    "ALTER TABLE users_auditevent DISABLE TRIGGER ALL",
    "DROP TRIGGER users_auditevent_row ON users_auditevent",
    "CREATE OR REPLACE FUNCTION users_auditevent_append_only() RETURNS trigger "
    "LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "SET session_replication_role = replica",
    "DELETE FROM users_auditevent",
    "TRUNCATE users_auditevent",
    "DROP TABLE users_auditevent",
    "UPDATE users_auditevent SET at = now()",
    "UPDATE users_auditevent SET actor_id = 1",
    "DELETE FROM django_migrations",
]


def as_role(url: str, name: str) -> str:
    """Returns the URL of a database with another role, which needs no password on this server."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{name}@").geturl()


@pytest.fixture
def deployment(empty_database, tmp_path) -> Iterator[dict[str, str]]:
    """The environment of a deployment with two roles, of which the first one exists."""
    owner, serving = (f"{kind}_{uuid4().hex}" for kind in ("owner", "serving"))
    database = urlsplit(empty_database).path.removeprefix("/")
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE")
        connection.execute(f"ALTER DATABASE {database} OWNER TO {owner}")
    here = {
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": as_role(empty_database, serving),
        "MIGRATION_DATABASE_URL": as_role(empty_database, owner),
        "WEB_CONCURRENCY": "1",
        "WORKER_CONCURRENCY": "1",
        "STATEMENT_TIMEOUT_MS": "60000",
        "ROLLCALL_ADMIN_PASSWORD": PASSWORD,
    }
    yield PRODUCTION | here
    with psycopg.connect(empty_database, autocommit=True) as connection:
        for name in (serving, owner):
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                connection.execute(f"REASSIGN OWNED BY {name} TO postgres")
                connection.execute(f"DROP OWNED BY {name}")
                connection.execute(f"DROP ROLE {name}")


def run(line: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line,
        shell=True,
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(line: str, variables: dict[str, str]) -> str:
    result = run(line, variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.long(20)
def test_a_site_runs_as_a_role_that_owns_no_table(deployment, tmp_path):
    succeed("python manage.py collectstatic --no-input", deployment)
    succeed(PROCFILE["release"], deployment)
    assert "owns no table" in succeed(PROCFILE["release"], deployment)  # every deployment runs it
    owner = {"DATABASE_URL": deployment["MIGRATION_DATABASE_URL"]}
    succeed("python manage.py seed --accounts 40 --admin ada", deployment | owner)
    with (
        running(f"exec {PROCFILE['web']}", tmp_path, **deployment) as web,
        running(f"exec {PROCFILE['worker']}", tmp_path, **deployment),
    ):
        visitor = Visitor(deployment["PORT"], HOST, proxied=True)
        until(lambda: web.process.poll() is not None or visitor.answers())
        suspends_somebody(visitor)
        until(lambda: json.loads(visitor.ask("/readyz")[1])["workers"] == "ok")
        with psycopg.connect(deployment["DATABASE_URL"], autocommit=True) as connection:
            until(lambda: is_sealed(connection), 180)
            refuses_what_only_owners_may(connection)
    assert "unchanged" in succeed("python manage.py audit_verify", deployment)


def suspends_somebody(visitor: Visitor) -> None:
    assert visitor.sign_in("ada", PASSWORD)[0].headers["Location"] == "/users/"
    listed = visitor.ask("/users/?status=active&sort=joined")[1]
    number = re.search(r'href="/users/(\d+)/"', listed)
    assert number
    path = f"/users/{number[1]}/suspension/"
    form = visitor.ask(path)[1]
    fields = dict(re.findall(r'name="(csrfmiddlewaretoken|version)" value="([^"]+)"', form))
    response, page = visitor.ask(path, fields | {"reason": "Test", "duration": "", "until": ""})
    assert response.status == 302, page


def is_sealed(connection: psycopg.Connection) -> bool:
    query = "SELECT count(*) FROM users_auditevent WHERE chain_position IS NULL"
    return connection.execute(query).fetchone() == (0,)


def refuses_what_only_owners_may(connection: psycopg.Connection) -> None:
    for statement in FORBIDDEN:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_role_that_may_not_serve_is_refused_and_named(deployment):
    migration = deployment["MIGRATION_DATABASE_URL"]
    same = run("bin/release", deployment | {"DATABASE_URL": migration})
    assert same.returncode == 1
    assert "migrates. Name another one for web and worker." in same.stderr
    powerful = run("bin/release", deployment | {"DATABASE_URL": as_role(migration, "postgres")})
    assert powerful.returncode == 1
    assert "The role postgres is a superuser, so it may not serve." in powerful.stderr


def test_without_a_role_that_serves_nothing_is_migrated(deployment):
    result = run("bin/release", deployment | {"DATABASE_URL": ""})
    assert result.returncode == 1
    assert "DATABASE_URL is not set" in result.stderr
