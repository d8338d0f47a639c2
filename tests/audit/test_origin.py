"""Where a request comes from, whatever its headers claim."""

import logging
import re

import pytest
from django.http import HttpResponse

from users.audit import middleware, origin
from users.audit.middleware import OriginMiddleware
from users.audit.origin import RequestIdFilter, current_origin, request_origin
from users.health import checks

SPOOFED = "203.0.113.99"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "10.0.0.1"),
        (0, SPOOFED, "10.0.0.1"),
        (0, f"{SPOOFED}, 198.51.100.2", "10.0.0.1"),
        (1, None, "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, " , ", "10.0.0.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, f"{SPOOFED}, 198.51.100.1", "198.51.100.1"),
        (1, f"{SPOOFED},{SPOOFED},198.51.100.1", "198.51.100.1"),
        (1, f"{SPOOFED}, ' OR 1=1 --", None),
        (1, f"{SPOOFED}, unknown", None),
        (2, "198.51.100.1, 10.0.0.9", "198.51.100.1"),
        (2, f"{SPOOFED}, 198.51.100.1, 10.0.0.9", "198.51.100.1"),
        (2, "10.0.0.9", "10.0.0.9"),  # a request that came round the outer proxy
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "[2001:db8::1]:443", None),
    ],
)
def test_the_address_is_the_one_that_the_outermost_trusted_proxy_saw(
    settings, rf, proxies, forwarded, address
):
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert request_origin(rf.get("/", headers=headers, REMOTE_ADDR="10.0.0.1")).ip == address


@pytest.mark.parametrize("remote", ["", "unix:", "@"])
def test_a_request_over_a_socket_has_no_address(rf, remote):
    assert request_origin(rf.get("/", REMOTE_ADDR=remote)).ip is None


@pytest.mark.parametrize("given", ["abcdefgh", "0123-4567_89.AB", "x" * 64])
def test_a_request_id_that_looks_like_one_is_kept(rf, given):
    assert request_origin(rf.get("/", headers={"X-Request-ID": given})).request_id == given


@pytest.mark.parametrize(
    "given",
    ["", "short", "x" * 65, "with space", "new\nline-id", "abcdefgh\n", "ünïcödë1", "<script>"],
)
def test_another_request_id_is_replaced_by_a_new_one(rf, given):
    ids = {
        request_origin(rf.get("/", headers={"X-Request-ID": given})).request_id for _ in range(2)
    }
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Mozilla/5.0 (X11)", "Mozilla/5.0 (X11)"),
        ("a\x00b\x1b[31mc\nd\re\x7f", "ab[31mcde"),
        ("\u202eevil\u200b", "evil"),
        ("\ud800x", "x"),
        ("x" * 10_000, "x" * 400),
        ("\x00" * 500 + "y", "y"),
        ("😀" * 500, "😀" * 400),
        ("", ""),
    ],
)
def test_a_hostile_user_agent_is_printable_and_short(rf, given, kept):
    assert request_origin(rf.get("/", headers={"User-Agent": given})).user_agent == kept


def test_the_middleware_lends_the_origin_to_the_request_and_takes_it_back(rf):
    seen = []

    def view(request):
        seen.append(current_origin.get())
        return HttpResponse()

    response = OriginMiddleware(view)(
        rf.get("/", headers={"X-Request-ID": "request-1"}, REMOTE_ADDR="192.0.2.1")
    )
    assert (seen[0].ip, seen[0].request_id, response["X-Request-ID"]) == (
        "192.0.2.1",
        "request-1",
        "request-1",
    )
    assert current_origin.get().request_id == ""


def test_the_middleware_takes_it_back_after_an_error_too(rf):
    def view(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        OriginMiddleware(view)(rf.get("/"))
    assert current_origin.get().request_id == ""


def test_log_lines_have_the_request_id_or_a_dash(rf):
    line = logging.LogRecord("x", logging.INFO, "", 0, "", (), None)
    RequestIdFilter().filter(line)
    assert line.request_id == "-"

    def view(request):
        RequestIdFilter().filter(line)
        return HttpResponse()

    OriginMiddleware(view)(rf.get("/", headers={"X-Request-ID": "request-1"}))
    assert line.request_id == "request-1"


# --- proxies --------------------------------------------------------------------------------------


@pytest.fixture
def watch(monkeypatch) -> origin.ProxyWatch:
    fresh = origin.ProxyWatch()
    monkeypatch.setattr(origin, "PROXY_WATCH", fresh)
    monkeypatch.setattr(middleware, "PROXY_WATCH", fresh)
    monkeypatch.setattr(checks, "PROXY_WATCH", fresh)
    return fresh


@pytest.mark.django_db
def test_requests_past_the_proxy_are_named_in_the_log_and_in_readyz(
    client, settings, watch, caplog
):
    settings.TRUSTED_PROXIES = 1
    assert "proxy" not in client.get("/readyz").json()  # probes come from inside
    client.get("/login/", headers={"X-Forwarded-For": "203.0.113.7"})
    assert "proxy" not in client.get("/readyz").json()
    for _ in range(2):
        client.get("/login/")
    problem = (
        "TRUSTED_PROXIES is 1, but a request came without X-Forwarded-For: "
        "set it to the number of proxies, 0 without one"
    )
    assert client.get("/readyz").json()["proxy"] == problem
    assert [record.getMessage() for record in caplog.records].count(problem) == 1


@pytest.mark.django_db
def test_without_proxies_nothing_is_named(client, settings, watch):
    settings.TRUSTED_PROXIES = 0
    client.get("/login/")
    assert "proxy" not in client.get("/readyz").json()


@pytest.mark.parametrize(
    ("proxies", "given", "warned"), [(1, False, 1), (1, True, 0), (0, False, 0)]
)
def test_an_assumed_proxy_is_named_at_the_start(settings, caplog, proxies, given, warned):
    settings.TRUSTED_PROXIES = proxies
    settings.TRUSTED_PROXIES_GIVEN = given
    origin.warn_about_proxies()
    assert len(caplog.records) == warned


# --- log lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/password/choose/4-abc-12ef/", "/password/choose/…/"),
        ("/email/4-abc-12ef/", "/email/…/"),
        ("/users/4/", "/users/4/"),
    ],
)
def test_log_lines_hold_no_secret_of_a_link(path, shown):
    record = logging.LogRecord("django.request", 30, "", 0, "%s: %s", ("Gone", path), None)
    assert origin.LinkFilter().filter(record)
    assert record.getMessage() == f"Gone: {shown}"


def test_a_refused_request_has_no_traceback_in_the_log():
    error = (ValueError, ValueError("x"), None)
    record = logging.LogRecord("django.request", 30, "", 0, "Forbidden: %s", ("/x/",), error)
    record.status_code = 403
    origin.LinkFilter().filter(record)
    assert record.exc_info is None


def test_djangos_records_of_responses_pass_that_filter(settings):
    assert settings.LOGGING["loggers"]["django.request"]["filters"] == ["links"]
