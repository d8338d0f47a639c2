"""nginx as deploy/nginx/ configures it, in front of two web processes that bin/deploy replaces."""

import os
import re
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event
from urllib.parse import urlencode

import pytest

from tests.deploy.nginx import HOST, MISSING, NGINX, Site, served_site
from tests.processes import ROOT, until
from users.sessions.models import SignInEvent

pytestmark = [pytest.mark.postgresql, pytest.mark.long, pytest.mark.django_db(transaction=True)]
PAGE = "/login/"


@pytest.fixture(scope="module")
def site(tmp_path_factory, django_db_setup) -> Iterator[Site]:
    if NGINX is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with served_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def test_pages_come_over_tls_and_static_files_from_the_disk(site):
    with socket.create_connection(("127.0.0.1", site.http_port)) as plain:
        plain.sendall(b"GET /users/?q=a HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n")
        assert f"Location: https://{HOST}/users/?q=a\r\n".encode() in plain.recv(2000)
    with pytest.raises(ssl.SSLError):
        site.connect("elsewhere.example.com")
    page = site.ask(PAGE)
    assert page.status == 200
    assert "max-age=31536000" in page.headers["Strict-Transport-Security"]
    assert "nginx/" not in page.headers["Server"]
    [stylesheet] = re.findall(rb'href="(/static/rollcall[^"]*\.css)"', page.body)
    style = site.ask(stylesheet.decode(), Accept_Encoding="gzip")
    assert (style.status, style.headers["Content-Encoding"]) == (200, "gzip")
    assert "immutable" in str(style.headers.get_all("Cache-Control"))
    assert style.headers["X-Content-Type-Options"] == "nosniff"
    assert style.headers["Content-Type"].startswith("text/css")
    assert site.ask("/metrics").status == 404


def test_clients_fake_no_address_and_send_no_file(site):
    page = site.ask(PAGE)
    fields = {
        "login": "nobody-here",
        "password": "wrong",
        "csrfmiddlewaretoken": re.findall(rb'csrfmiddlewaretoken" value="([^"]+)"', page.body)[0],
    }
    cookies = page.headers.get_all("Set-Cookie")
    cookie = next(each.split(";")[0] for each in cookies if each.startswith("__Host-csrf"))
    headers = {"Origin": f"https://{HOST}", "Cookie": cookie, "X_Forwarded_For": "198.51.100.7"}
    headers |= {"Content_Type": "application/x-www-form-urlencoded", "X_Forwarded_Proto": "http"}
    assert site.ask(PAGE, "POST", urlencode(fields).encode(), **headers).status == 422
    assert SignInEvent.objects.get().ip == "127.0.0.1"
    assert site.ask(PAGE, "POST", b"x" * (2 * 1024 * 1024 + 1), **headers).status == 413


def test_slow_clients_and_those_that_leave_hold_up_nobody(site):
    head = f"POST {PAGE} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(1000):
            silent = socket.create_connection(("127.0.0.1", site.https_port))
            stack.enter_context(silent)
        for _ in range(50):
            stack.enter_context(site.connect()).sendall(head + b"half")
        for _ in range(20):
            site.ask(PAGE)
        for _ in range(50):
            with site.connect() as client:  # leaves before the page comes
                client.sendall(f"GET {PAGE} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert site.ask(PAGE).status == 200


def test_one_instance_serves_alone_and_without_any_a_page_says_so(site):
    for instance in (0, 1):
        site.web_process(instance).terminate()
        until(lambda number=instance: not accepts(site.ports[number]))
        expected = {200} if instance == 0 else {503}
        assert {site.ask(PAGE).status for _ in range(8)} == expected
    unavailable = site.ask(PAGE)
    assert unavailable.headers["Retry-After"] == "5"
    static = site.folder / "var" / "static"
    font = next(static.rglob("*.woff2")).relative_to(static)
    assert site.ask(f"/static/{font}").status == 200
    assert unavailable.body.startswith(b"Rollcall is temporarily unavailable.")
    for instance in (0, 1):
        site.restart(instance)
        until(lambda number=instance: accepts(site.ports[number]))
    until(lambda: site.ask(PAGE).status == 200)
    assert {site.ask(PAGE).status for _ in range(8)} == {200}


def test_a_deployment_refuses_no_request_and_goes_back_if_the_release_does_not_answer(site):
    before = [site.web_process(instance) for instance in (0, 1)]
    (site.units / "log").write_text("")
    done = Event()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_until, site, done)
        deployed = site.deploy()
        done.set()
        statuses = asking.result()
    assert deployed.returncode == 0, deployed.stderr
    assert statuses.keys() == {200}
    assert statuses[200] > 20
    assert not any(process.is_running() and process.status() != "zombie" for process in before)
    units = [f"rollcall-web@{port}" for port in site.ports] + ["rollcall-worker"]
    lines = [f"restart {unit}" for unit in units]
    assert (site.units / "log").read_text().splitlines() == lines
    assert (site.folder / "current").resolve() == ROOT
    (site.units / "broken").touch()
    failed = site.deploy(ROLLCALL_START_SECONDS="0.5")
    assert failed.returncode == 1
    assert f"{units[0]} does not answer, so {ROOT} is current again." in failed.stderr
    assert {site.ask(PAGE).status for _ in range(4)} == {200}  # the other instance goes on


def ask_until(site: Site, done: Event) -> Counter[int]:
    statuses: Counter[int] = Counter()
    while not done.wait(0.02):
        statuses[site.ask(PAGE).status] += 1
    return statuses


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
