"""The directory in a browser that has been nowhere before: what it asks for, and how much comes."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.processes import ROOT, environment, running, until
from tests.servers import free_port
from tests.visitor import Visitor

pytestmark = [pytest.mark.sqlite, pytest.mark.long]  # of what is sent, and not of the database
PASSWORD = "correct-horse-battery"
MAX_REQUESTS = 6
MAX_BYTES = 60_000
# In one process, since each start of Django takes a second.
PREPARATION = """
import django
from django.core.management import call_command
django.setup()
call_command("release")
call_command("collectstatic", interactive=False)
call_command("seed", "--accounts", "300", "--admin", "ada")
"""
# Names in letters for which a page loads a further font.
RENAME_OTHERS = """
    UPDATE users_user SET first_name = 'Zoë ' || id, last_name = 'Müller'
    WHERE first_name || last_name GLOB '*[Ơ-ưͰ-ӿẠ-ỿ]*'
"""
RENAME_NEWEST = """
    UPDATE users_user SET first_name = 'Ελένη'
    WHERE id = (SELECT id FROM users_user ORDER BY date_joined DESC, id DESC LIMIT 1)
"""


@pytest.fixture
def site(empty_database, tmp_path) -> Iterator[str]:
    """The address of a deployment with a full page of accounts."""
    port = free_port()
    variables = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": empty_database,
        "WEB_CONCURRENCY": "1",
        "STATEMENT_TIMEOUT_MS": "60000",
        "ROLLCALL_ADMIN_PASSWORD": PASSWORD,
    }
    subprocess.run(
        [sys.executable, "-c", PREPARATION],
        cwd=ROOT / "site",
        env=environment(**variables)
        | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "settings"},
        capture_output=True,
        check=True,
    )
    web = "exec gunicorn --config site/gunicorn.conf.py wsgi"
    with running(web, tmp_path, **variables) as server:
        until(
            lambda: server.process.poll() is not None or Visitor(str(port), "localhost").answers()
        )
        yield f"http://localhost:{port}"


def sign_in(browser: Browser, site: str) -> list:
    """Returns the cookies of a superuser who has signed in."""
    context = browser.new_context(base_url=site)
    page = context.new_page()
    page.goto("/login/")
    page.fill("#id_login", "ada")
    page.fill("#id_password", PASSWORD)
    page.click("main button.primary")
    page.wait_for_url("**/users/**")
    cookies = context.cookies()
    context.close()
    return cookies


def cold_load(browser: Browser, site: str, cookies: list) -> tuple[dict[str, int], Page]:
    """Loads the directory in a profile without a cache. Returns the bytes of each response by its
    path, and the page.
    """
    context = browser.new_context(base_url=site)
    context.add_cookies(cookies)
    page = context.new_page()
    requests: list[Request] = []

    def note(request: Request) -> None:
        requests.append(request)

    page.on("request", note)
    page.goto("/users/")
    page.locator("#count [hx-get], #count strong").first.wait_for()
    page.wait_for_load_state("networkidle")
    sent = {
        request.url.removeprefix(site): request.sizes()["responseBodySize"]
        for request in requests
        if not request.url.startswith("data:")
    }
    return sent, page


def execute_sql(database: str, sql: str) -> None:
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"), timeout=20)) as connection:
        assert connection.execute(sql).rowcount
        connection.commit()


def font_files(sent: dict[str, int]) -> list[str]:
    return sorted(re.findall(r"inter-([a-z-]+)\.", " ".join(sent)))


def test_a_cold_load_of_the_directory_is_small(browser, site, empty_database):
    cookies = sign_in(browser, site)
    execute_sql(empty_database, RENAME_OTHERS)
    sent, page = cold_load(browser, site, cookies)
    assert page.evaluate("document.fonts.check('14px Inter') && document.fonts.size") == 4
    assert page.locator(".list tbody tr").count() == 50
    assert "/users/" in sent
    assert len(sent) <= MAX_REQUESTS, sent
    assert sum(sent.values()) <= MAX_BYTES, sent
    page.context.close()
    execute_sql(empty_database, RENAME_NEWEST)
    more, page = cold_load(browser, site, cookies)
    assert (font_files(sent), font_files(more)) == (["subset"], ["greek", "subset"])
    page.context.close()
