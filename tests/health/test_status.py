"""/status/, its old address, and its line in the navigation."""

import re
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_q.models import Schedule

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_superuser, make_user
from tests.pages import read
from users.caching import timing
from users.caching.backend import PageCache
from users.caching.models import WebProcess
from users.health import figures, top_statements
from users.health.models import StatusSample
from users.jobs.models import Job, WorkerBeat
from users.jobs.queue.task_queue import CLUSTERS
from users.jobs.schedule import TASKS
from users.jobs.scheduled_runs import record_run
from users.models import User

pytestmark = pytest.mark.django_db

PARTS = "/me/parts/"


def test_it_shows_how_pages_were_answered_by_all_processes(client, monkeypatch):
    client.force_login(make_superuser())
    client.get("/users/")
    client.get("/users/")
    monkeypatch.setattr(timing, "REPORT_SECONDS", -1)
    timing.store_figures()
    WebProcess.objects.create(
        name="elsewhere:1",
        at=timezone.now(),
        figures={"directory": {"hit": 6, "hit total": 12_000}},
    )
    WebProcess.objects.create(
        name="gone:2", at=timezone.now() - timedelta(minutes=5), figures={"directory": {"hit": 999}}
    )
    main = read(client.get("/status/")).one("main")
    assert "8 responses, 87.5% from the cache Details 7 hit, 1 miss" in main.text
    assert "elsewhere:1" in main.text
    assert "gone:2" not in main.text
    rows = {
        row.one("th").text: row.text
        for row in main.one("table", class_="figures").one("tbody").all("tr")
    }
    assert {"total", "viewer", "cache", "build"} <= set(rows)


def test_before_anything_was_asked_it_says_so(client):
    client.force_login(make_superuser())
    main = read(client.get("/status/")).one("main")
    assert "No figures yet" in main.text
    assert "Accounts" in main.text


def test_the_old_address_leads_to_it(client):
    client.force_login(make_superuser())
    response = client.get("/caching/")
    assert (response.status_code, response["Location"]) == (301, "/status/")


def test_it_says_in_a_sentence_that_all_is_well_or_what_is_wrong(client, settings):
    client.force_login(make_superuser())
    settings.ALARM_DISK_PERCENT = 101
    Schedule.objects.update(next_run=timezone.now())
    for cluster in CLUSTERS:
        WorkerBeat.objects.create(cluster=cluster)
    assert "All well." in read(client.get("/status/")).one("main").text
    Job.objects.create(kind="x", by_text="x", due_at=timezone.now() - timedelta(hours=1))
    WorkerBeat.objects.filter(cluster="main").delete()
    text = read(client.get("/status/")).one("main").text
    assert "All well." not in text
    assert "Jobs: job" in text
    assert "docs/operating.md#alarm-jobs" in text
    assert "Workers: main never seen." in text


def test_it_lists_each_schedule_with_its_last_run_and_its_next(client):
    client.force_login(make_superuser())
    Schedule.objects.update(next_run=timezone.now())
    now = timezone.now()
    package = {"started": now - timedelta(seconds=1.5), "stopped": now, "success": True}
    record_run(package | {"name": "users.mail.tasks.deliver_outbox", "result": ""})
    failed = {"name": "users.sessions.tasks.clear_sessions", "success": False, "result": "x"}
    for _ in range(2):
        record_run(package | failed)
    table = read(client.get("/status/")).one("table", class_="list schedules phone-list still")
    rows = {row.one("strong").text: row for row in table.one("tbody").all("tr")}
    assert len(rows) == len(TASKS)
    assert "OK" in rows["Deliver outbox"].text
    assert "1.5 s" in rows["Deliver outbox"].text
    on_phone = rows["Deliver outbox"].one("span", class_="c-narrow").text
    assert re.fullmatch(r"Last: \S.* in 1\.5 s\. Next: .*\.", on_phone)
    assert len(rows["Clear sessions"].all("polyline")) == 1
    assert "Not run yet" in rows["Seal audit chain"].text


def test_the_queues_have_a_history_of_peaks(client):
    client.force_login(make_superuser())
    now = timezone.now()
    for minutes, tasks in ((61, 0), (31, 9), (1, 0)):
        at = now - timedelta(minutes=minutes)
        StatusSample.objects.create(at=at, figures={"tasks": tasks})
    found = {figure.name: figure for figure in figures.figure_histories()}
    assert max(found["tasks"].history) == 9
    assert found["tasks"].history[-1] == 0
    assert len(read(client.get("/status/")).one("dl", class_="peaks").all("svg")) == 4
    StatusSample.objects.filter(figures__tasks=9).update(at=now - timedelta(hours=25))
    figures.store_sample()
    assert StatusSample.objects.count() == 3


VIEW = """
    CREATE TEMP VIEW pg_stat_statements AS
    SELECT (SELECT oid FROM pg_database WHERE datname = current_database()) AS dbid, query,
        1000::bigint AS calls, 2500.0::float8 AS total_exec_time, 2.5::float8 AS mean_exec_time
    FROM (VALUES ('SELECT * FROM users_user WHERE id = $1'), ('SELECT 1; DELETE FROM users_note'),
        ('CREATE ROLE x PASSWORD ''correct-horse''')) AS given(query)
"""


@pytest.mark.postgresql
def test_top_statements_have_a_plan_and_no_values(client):
    client.force_login(make_superuser())
    assert "Top statements by total time" not in read(client.get("/status/")).one("main").text
    with connection.cursor() as cursor:
        cursor.execute(VIEW)
    text = read(client.get("/status/")).one("main").text
    assert "2,500 ms in 1,000 calls, 2.50 ms each" in text
    assert "correct-horse" not in text
    several = "SELECT 1; DELETE FROM users_note"
    assert top_statements.statement_plan(several) == ""
    plan = top_statements.statement_plan("SELECT * FROM users_user WHERE id = $1")
    if connection.pg_version >= top_statements.GENERIC_PLAN_VERSION:
        assert "$1" in plan


@pytest.mark.postgresql
def test_statements_of_the_real_extension_have_plans_and_no_values(client):
    client.force_login(make_superuser())
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION pg_stat_statements")
        cursor.execute("SET LOCAL compute_query_id = on")
        cursor.execute("SET LOCAL pg_stat_statements.track = 'all'")
    for number in range(50):
        list(User.objects.filter(username=f"zebra{number}", pk__in=[number, 7]))
    for query in ("q=zebra", "status=active&verified=no&sort=name"):
        client.get(f"/users/?{query}")
    found = top_statements.top_statements()
    statement = next(each for each in found if each.calls > 40 and "username" in each.text)
    assert "on users_user" in statement.plan
    assert all(each.plan for each in found if "users_user" in each.text)
    main = read(client.get("/status/")).one("main")
    assert len(main.one("ol", class_="statements").all("details")) == top_statements.SHOWN
    assert "zebra" not in main.text


def test_a_report_that_cannot_be_written_harms_nobody(client, monkeypatch, caplog):
    client.force_login(make_superuser())
    client.get("/users/")
    monkeypatch.setattr(timing, "REPORT_SECONDS", -1)
    with connection.execute_wrapper(refuse):
        timing.store_figures()
    assert "The figures of this process were not saved: OperationalError" in caplog.text


def refuse(execute, sql, params, many, context):
    raise OperationalError("away")


def test_the_rail_tells_whether_the_cache_is_away(client, monkeypatch):
    client.force_login(make_superuser())
    assert read(client.get("/users/")).one(id="cache-status")
    assert read(client.get(PARTS)).one(id="cache-status").text == ""
    pages = PageCache("redis://127.0.0.1:1/0", {"OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 30}})
    pages.get("something")
    monkeypatch.setattr("users.caching.statistics.caches", {"pages": pages})
    assert read(client.get(PARTS)).one("a", href="/status/").text == "Cache unavailable"
    assert "Redis is not working (ConnectionError)" in read(client.get("/status/")).one("main").text


def test_only_staff_with_the_right_get_times_and_the_line_in_the_rail(client):
    client.force_login(make_user("Administrator"))
    response = client.get("/users/")
    assert response["Server-Timing"].startswith('page;desc="miss", session;dur=')
    assert client.get("/users/")["Server-Timing"].startswith('page;desc="hit"')
    client.force_login(make_user("Manager"))
    response = client.get("/users/")
    assert "Server-Timing" not in response
    assert not read(response).all(id="cache-status")
    assert not read(client.get(PARTS)).all(id="cache-status")


@pytest.mark.parametrize("role", ["Viewer", "Support", "Manager", "Auditor"])
def test_others_are_refused(client, role):
    viewer = make_user(role)
    client.force_login(viewer)
    response = client.get("/status/")
    assert_denied(response, "users.view_status", actor=viewer, action="view_status")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, "/status/", methods=("get",))


def test_it_only_looks(client):
    client.force_login(make_superuser())
    assert_wrong_method(client, "/status/", allowed="GET, HEAD")
