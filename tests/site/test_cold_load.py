"""The directory in a browser that has been nowhere before: what it asks for, and how much comes."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request

from tests.processes import ROOT, environment, running, until
from tests.servers import free_port
from tests.visitor import Visitor

pytestmark = [pytest.mark.sqlite, pytest.mark.long]  # of what is sent, and not of the database
PASSWORD = "correct-horse-battery"
MOST_REQUESTS = 6
MOST_BYTES = 60_000


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
    for command in (
        ["migrate", "--no-input"],
        ["createcachetable"],
        ["collectstatic", "--no-input"],
        ["seed", "--accounts", "300", "--admin", "ada"],
    ):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment(**variables),
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


def test_a_cold_load_of_the_directory_is_small(browser, site):
    cookies = sign_in(browser, site)
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
    assert page.evaluate("document.fonts.check('14px Inter') && document.fonts.size") == 1
    assert page.locator(".list tbody tr").count() == 50
    assert "/users/" in sent
    assert len(sent) <= MOST_REQUESTS, sent
    assert sum(sent.values()) <= MOST_BYTES, sent
    context.close()
