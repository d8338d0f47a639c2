"""The log of JSON lines: one line a request, and nothing personal in any."""

import json
import logging
import logging.config
from io import StringIO

import pytest
from django.db import OperationalError, connection
from log_config import logging_config

from tests.builders import make_superuser, make_user
from users.jobs.queue import observation

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
HOSTILE = 'zebra"}\n{"level": "INFO", "actor_id": 1}\r\u2028'


@pytest.fixture
def lines(settings):
    """Returns a function that returns the lines since its last call."""
    settings.ALLOWED_HOSTS = ["testserver"]
    config = logging_config(log_format="json", level="INFO", worker_level="WARNING")
    stream = config["handlers"]["console"]["stream"] = StringIO()
    logging.config.dictConfig(config)

    def read() -> list[dict]:
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        assert "zebra" not in text.lower()
        return [json.loads(line) for line in text.split("\n")[:-1]]

    yield read
    logging.config.dictConfig(settings.LOGGING)


def test_a_request_is_one_line_with_ids_and_figures(client, lines):
    viewer = make_superuser()
    account = make_user(username="zebra", email="zebra@example.com")
    client.force_login(viewer)
    response = client.get(f"/users/{account.pk}/?tab=zebra")
    [line] = lines()
    assert (
        line.items()
        >= {
            "level": "INFO",
            "message": "request",
            "request_id": response["X-Request-ID"],
            "actor_id": viewer.pk,
            "method": "GET",
            "view": "account",
            "status": 200,
        }.items()
    )
    assert line["milliseconds"] > 0
    assert line["queries"] > 1


def test_hostile_requests_stay_one_line_each_without_what_they_send(client, lines):
    client.raise_request_exception = False
    client.force_login(make_superuser())
    client.get("/users/", {"q": "zebra"})
    client.get("/zebra/" + HOSTILE)
    client.generic("ZEBRA", "/users/")
    client.post("/login/", {"login": HOSTILE, "password": HOSTILE})
    client.get(
        "/users/",
        {"after": HOSTILE, HOSTILE: "x"},
        headers={"User-Agent": HOSTILE, "Referer": HOSTILE},
    )
    assert [(line["view"], line["status"], line["method"]) for line in lines()] == [
        ("directory", 200, "GET"),
        ("none", 404, "GET"),
        ("directory", 405, "other"),
        ("account_login", 302, "POST"),
        ("directory", 400, "GET"),
    ]
    client.get("/users/", headers={"Host": "zebra.example.com"})
    assert [line["message"] for line in lines()] == ["DisallowedHost", "request"]


def test_messages_of_the_server_about_a_request_do_not_quote_it(lines):
    server = logging.getLogger("gunicorn.error")
    server.error("Error handling request %s %s", "GET", HOSTILE)
    server.warning(f"Invalid request from ip=127.0.0.1: {HOSTILE}")
    server.critical("WORKER TIMEOUT (pid:%s)", 7)
    assert [line["message"] for line in lines()] == [
        "Error handling request",
        "Invalid request",
        "WORKER TIMEOUT (pid:7)",
    ]


def test_an_internal_error_has_a_traceback_without_its_message(client, lines, monkeypatch):
    def fail(*_: object, **__: object):
        try:
            raise KeyError(HOSTILE)
        except KeyError as error:
            raise LookupError(HOSTILE) from error

    monkeypatch.setattr("users.directory.views.query.find", fail)
    client.raise_request_exception = False
    client.force_login(make_superuser())
    assert client.get("/users/?q=zebra").status_code == 500
    error, request = lines()
    assert (error["message"], request["status"]) == ("Internal error", 500)
    assert error["request_id"] == request["request_id"]
    assert "test_access_log.py" in error["traceback"]
    assert error["traceback"].endswith("LookupError")
    assert "KeyError\n" in error["traceback"]


def test_a_failure_of_the_database_is_one_line_that_says_so(client, lines, monkeypatch):
    def refuse(*_: object, **__: object):
        raise OperationalError("zebra")

    client.force_login(make_superuser())
    client.raise_request_exception = False
    monkeypatch.setattr(connection, "cursor", refuse)
    assert client.get("/users/").status_code == 503
    client.get("/healthz")
    failed, well = lines()
    assert (failed["status"], failed["level"]) == (503, "ERROR")
    assert failed["error"] == "database away: OperationalError"
    assert (well["status"], "error" in well) == (200, False)


def test_a_task_is_one_line_with_its_outcome(lines, monkeypatch):
    monkeypatch.setattr(observation, "take_slot", lambda: None)

    def fail() -> None:
        raise LookupError(HOSTILE)

    observation.run_task("tasks.add", lambda: None)
    with pytest.raises(LookupError):
        observation.run_task("tasks.add", fail)
    observation.run_task(observation.BEAT_TASK, lambda: None)
    observation.log_time_slice(7, "suspend", "stop")
    done, error, failed, job = lines()
    assert (done["task"], done["outcome"]) == ("tasks.add", "done")
    assert error["traceback"].endswith("LookupError")
    assert (failed["task"], failed["outcome"]) == ("tasks.add", "failed")
    assert (job["job_id"], job["kind"], job["outcome"]) == (7, "suspend", "stop")


def test_text_has_no_line_for_a_request(client, caplog, settings):
    logging.config.dictConfig(settings.LOGGING)
    client.get("/healthz")
    assert caplog.records == []
