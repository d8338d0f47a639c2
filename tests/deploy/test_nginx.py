"""nginx as deploy/nginx/ configures it, in front of two web processes that bin/deploy replaces."""

import fcntl
import json
import os
import re
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from subprocess import CompletedProcess
from threading import Event
from urllib.parse import urlencode

import psycopg
import pytest
from django.db import connection

from tests.builders import PASSWORD, make_user
from tests.bulk.running import run
from tests.deploy.nginx import HOST, MISSING, NGINX, Answer, Site, served_site
from tests.processes import ROOT, database_url, until
from tests.signin.test_served import make_person
from users.audit.models import AuditEvent
from users.mail.suppression_file import FORM_MAX_BYTES
from users.mail.webhooks import BODY_MAX
from users.notes.models import Note
from users.scim.service import MAX_BYTES
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
    answer, headers = send_login(site, "nobody-here", "wrong")
    assert answer.status == 422
    assert SignInEvent.objects.get().ip == "127.0.0.1"
    assert site.ask(PAGE, "POST", b"x" * (2 * 1024 * 1024 + 1), **headers).status == 413
    # Providers may send more; 404, as none is configured here.
    for size, status in ((BODY_MAX, 404), (BODY_MAX + 1, 413)):
        assert site.ask("/mail/events/postmark/", "POST", b"x" * size).status == status
    # Rollcall may be sent so much; it refuses these, which have no token.
    assert site.ask("/scim/v2/Bulk", "POST", b"x" * MAX_BYTES).status == 401
    assert site.ask("/mail/suppressions/import/", "POST", b"x" * FORM_MAX_BYTES).status == 403
    assert site.ask("/imports/", "POST", b"x" * (3 * 1024 * 1024)).status == 403


def test_the_log_has_the_id_of_a_request_and_nothing_that_was_asked_for(site):
    page = site.ask("/users/?q=ada", Referer=f"https://{HOST}/password/secret/")
    lines = until(lambda: log_lines(site, page.headers["X-Request-ID"]))
    [fields] = map(json.loads, lines)
    assert (fields["method"], fields["status"]) == ("GET", "302")
    assert fields["instance"] in {f"127.0.0.1:{port}" for port in site.ports}
    [line] = lines
    assert not re.search("/users/|ada|secret|User-Agent", line)


def log_lines(site: Site, request_id: str) -> list[str]:
    lines = (site.folder / "access.log").read_text().splitlines()
    return [line for line in lines if request_id in line]


def send_login(site: Site, login: str, password: str) -> tuple[Answer, dict[str, str]]:
    """Sends the form, with headers of a client that fakes another. Returns them too."""
    page = site.ask(PAGE)
    fields = {
        "login": login,
        "password": password,
        "csrfmiddlewaretoken": re.findall(rb'csrfmiddlewaretoken" value="([^"]+)"', page.body)[0],
    }
    headers = {"Origin": f"https://{HOST}", "Cookie": cookies_of(page)}
    headers |= {"X_Forwarded_For": "198.51.100.7", "X_Forwarded_Proto": "http"}
    headers |= {"Content_Type": "application/x-www-form-urlencoded"}
    return site.ask(PAGE, "POST", urlencode(fields).encode(), **headers), headers


def cookies_of(answer: Answer) -> str:
    found = answer.headers.get_all("Set-Cookie") or []
    return "; ".join(each.split(";")[0] for each in found)


def test_a_thousand_slow_clients_and_those_that_leave_hold_up_nobody(site):
    with ExitStack() as stack:
        for _ in range(500):
            silent = socket.create_connection(("127.0.0.1", site.https_port))
            stack.enter_context(silent)
        slow = [stack.enter_context(site.connect()) for _ in range(250)]
        for _ in range(250):
            plain = socket.create_connection(("127.0.0.1", site.http_port))
            slow.append(stack.enter_context(plain))
        for client in slow:
            client.sendall(f"POST {PAGE} HTTP/1.1\r\nHost: {HOST}\r\n".encode())
        for client in slow[:100]:
            client.sendall(b"Content-Length: 1000\r\n\r\nhalf")
        for _ in range(20):
            assert site.ask(PAGE).status == 200
            for client in slow[100:]:
                with suppress(OSError):  # nginx has given it up
                    client.sendall(b"x")  # a byte of a header now and then
        for _ in range(50):
            with site.connect() as client:  # leaves before the page comes
                client.sendall(f"GET {PAGE} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert site.ask(PAGE).status == 200


def test_who_leaves_midway_has_changed_all_or_nothing(site):
    root = make_person(is_superuser=True)
    account = make_user()
    signed_in, headers = send_login(site, root.username, PASSWORD)
    assert signed_in.status == 302
    headers["Cookie"] = cookies = cookies_of(signed_in)
    [token] = re.findall(r"__Host-csrf=(\w+)", cookies)
    path = f"/users/{account.pk}/notes/"
    half, whole = (
        urlencode({"csrfmiddlewaretoken": token, "text": text}).encode()
        for text in ("Called back, and half of it", "Called back")
    )
    with site.connect() as client:
        client.sendall(site.message(path, "POST", half[:60], half, headers))
    with psycopg.connect(database_url()) as other, site.connect() as client:
        other.execute("SELECT 1 FROM users_user WHERE id = %s FOR UPDATE", [account.pk])
        client.sendall(site.message(path, "POST", whole, whole, headers))
        until(lambda: count_others("wait_event_type = 'Lock'"))
    until(Note.objects.exists)
    job = run("export", None, by=root, parameters={"columns": ["email"], "format": "csv"})
    download = f"/exports/{job.export.pk}/file/"
    for _ in range(3):
        with site.connect() as client:
            client.sendall(site.message(download, "GET", b"", b"", headers))
            assert client.recv(20).startswith(b"HTTP/1.1 200")
    file = site.ask(download, Cookie=cookies)
    assert (file.status, file.body.count(b"\r\n")) == (200, 1 + job.unchanged)
    assert site.ask(path, Cookie=cookies).status == 200
    assert [note.text for note in Note.objects.all()] == ["Called back"]
    assert AuditEvent.objects.filter(action="export.downloaded").count() == 4
    until(lambda: count_others("xact_start IS NOT NULL") == 0)


def count_others(condition: str) -> int:
    """Returns how many connections of others to the test's database meet a condition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            f"AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND {condition}"
        )
        return cursor.fetchone()[0]


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


def test_a_deployment_refuses_no_request(site):
    before = [site.web_process(instance) for instance in (0, 1)]
    deployed, statuses = deploy_under_load(site)
    assert deployed.returncode == 0, deployed.stderr
    assert (site.folder / "release-env-was-read").exists()
    assert "pages are cached for" in deployed.stdout
    assert statuses.keys() == {200}
    assert statuses[200] > 20
    assert not any(process.is_running() and process.status() != "zombie" for process in before)
    assert restarts(site) == [*web_units(site), "rollcall-worker"]
    assert (site.folder / "current").resolve() == ROOT


def test_a_second_deployment_at_the_same_time_is_refused(site):
    (site.units / "log").write_text("")
    with (site.folder / "current.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = site.deploy()
    assert (second.returncode, second.stderr) == (1, "Another bin/deploy is running.\n")
    assert restarts(site) == []


def test_if_an_instance_does_not_start_all_go_back_and_no_request_is_refused(site):
    first, second = web_units(site)
    (site.units / "broken").write_text(second)
    failed, statuses = deploy_under_load(site)
    assert failed.returncode == 1
    assert f"{second} does not answer, so {ROOT} is current again." in failed.stderr
    # The one that is down comes before the one that works.
    assert restarts(site) == [first, second, second, first]
    assert statuses.keys() == {200}


def web_units(site: Site) -> list[str]:
    return [f"rollcall-web@{port}" for port in site.ports]


def restarts(site: Site) -> list[str]:
    """Returns the units that the last deployment has restarted."""
    lines = (site.units / "log").read_text().splitlines()
    return [line.removeprefix("restart ") for line in lines]


def deploy_under_load(site: Site) -> tuple[CompletedProcess[str], Counter[int]]:
    """Runs bin/deploy while somebody requests pages. Returns the statuses that they get too."""
    (site.units / "log").write_text("")
    done = Event()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_until, site, done)
        deployed = site.deploy()
        done.set()
        return deployed, asking.result()


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
