"""/metrics: who may read it, what it counts, and what it reads from the database."""

import re
from datetime import timedelta
from importlib import import_module

import pytest
from django.core.cache import caches
from django.core.mail.backends.locmem import EmailBackend
from django.db import OperationalError, connection
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.bulk.running import work
from tests.house import find_modules
from tests.jobs.kinds import start
from tests.mail.sending import post
from tests.processes import ROOT
from users.audit.record import record_event
from users.jobs import worker
from users.jobs.models import Job, ScheduledRun, WorkerBeat
from users.jobs.queue import observation, task_queue
from users.jobs.schedule import BEAT_TASK
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message
from users.mail.smtp_replies import Phase, ReplyError
from users.metrics import slots
from users.metrics.registry import GAUGES, METRICS

pytestmark = pytest.mark.django_db
DELIVER = "users.mail.tasks.deliver_outbox"
TOKEN = "a-token-of-forty-random-characters-x7"


@pytest.fixture(autouse=True)
def own_slot(tmp_path, settings, monkeypatch):
    """This process counts in the files of a folder of this test."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(slots, "OWN_SLOT", slots.ProcessSlot())
    monkeypatch.setattr(slots.values, "ValueClass", slots.values.MutexValue)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
    slots.take_slot()
    yield
    monkeypatch.undo()
    slots.reset_metrics()


def read(client) -> dict[str, float]:
    """Returns the numbers of /metrics by name and labels."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    lines = response.content.decode().splitlines()
    pairs = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(number) for name, _, number in pairs}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": "Bearer ä"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
    ],
)
def test_with_a_token_it_takes_that_token(client, settings, headers, status):
    settings.METRICS_TOKEN = TOKEN
    response = client.get("/metrics", headers=headers, REMOTE_ADDR="203.0.113.7")
    assert response.status_code == status
    assert (b"rollcall_database_up" in response.content) == (status == 200)


@pytest.mark.parametrize(
    ("address", "header", "status"),
    [
        ("127.0.0.1", "", 200),
        ("::1", "", 200),
        ("127.0.0.1", "X-Forwarded-For", 403),
        ("127.0.0.1", "Forwarded", 403),
        ("203.0.113.7", "", 403),
        ("", "", 403),
    ],
)
def test_without_a_token_it_answers_this_machine_alone(client, address, header, status):
    headers = {header: "127.0.0.1"} if header else {}
    response = client.get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert response.status_code == status


def test_a_superuser_may_not_read_it_from_elsewhere_and_no_one_may_post(client):
    client.force_login(make_superuser())
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 403
    assert client.post("/metrics").status_code == 405


def test_requests_are_counted_by_view_and_status_and_never_by_path(client):
    account = make_user(username="zebra")
    client.force_login(make_superuser())
    for path in (f"/users/{account.pk}/", "/users/?q=zebra", "/users/999999/", "/zebra/"):
        client.get(path)
    client.generic("ZEBRA", "/users/")
    numbers = read(client)
    assert numbers['rollcall_requests_total{status="200",view="account"}'] == 1
    assert numbers['rollcall_requests_total{status="404",view="account"}'] == 1
    assert numbers['rollcall_requests_total{status="200",view="directory"}'] == 1
    assert numbers['rollcall_requests_total{status="404",view="none"}'] == 1
    assert numbers['rollcall_request_duration_seconds_count{view="account"}'] == 2
    assert numbers['rollcall_request_queries_bucket{le="0.0",view="account"}'] == 0
    assert not [name for name in numbers if "zebra" in name.lower() or "/" in name]


def test_queries_of_a_request_are_counted_as_django_counts_them(
    client, django_assert_max_num_queries
):
    client.force_login(make_superuser())
    client.get("/users/")  # prepares what the first request of a process does
    caches["pages"].clear()
    sum_name = 'rollcall_request_queries_sum{view="directory"}'
    before = read(client)[sum_name]
    with django_assert_max_num_queries(100) as counted:
        client.get("/users/")
    number = len(counted)
    assert number > 1
    assert read(client)[sum_name] - before == number


def test_reads_of_the_caches_are_counted_by_layer(client):
    for _ in range(12):
        make_user()
    client.force_login(make_superuser())
    client.get("/users/")
    client.get("/users/")
    numbers = read(client)
    reads = "rollcall_cache_reads_total"
    assert numbers[f'{reads}{{layer="page",outcome="miss"}}'] == 1
    assert numbers[f'{reads}{{layer="page",outcome="hit"}}'] == 1
    assert numbers[f'{reads}{{layer="fragment",outcome="miss"}}'] >= 12


def test_gauges_show_what_waits(client):
    now = timezone.now()
    account = make_user()
    ScheduledRun.objects.create(task=DELIVER, ended_at=now, seconds=1.5)
    task_queue.enqueue_task(BEAT_TASK, "main")
    WorkerBeat.objects.create(cluster="main", at=now)
    Message.objects.create(account=account, kind="invitation", due_at=now - timedelta(minutes=5))
    Message.objects.create(account=account, kind="suspended", is_bulk=True)
    Job.objects.create(kind="suspend", by_text="ann", due_at=now - timedelta(minutes=7))
    Job.objects.create(kind="suspend", by_text="ann", state="parked")
    record_event("note.added", actor=account, target=account)
    numbers = read(client)
    assert numbers['rollcall_queue_tasks{queue="main"}'] == 1
    assert numbers['rollcall_queue_tasks{queue="notify"}'] == 0
    assert numbers["rollcall_waiting_messages"] == 2
    assert 290 < numbers['rollcall_oldest_message_seconds{kind="individual"}'] < 400
    assert numbers['rollcall_oldest_message_seconds{kind="bulk"}'] < 100
    assert numbers['rollcall_pending_jobs{state="parked"}'] == 1
    assert 410 < numbers["rollcall_oldest_job_seconds"] < 520
    assert numbers["rollcall_unsealed_events"] == 1
    assert numbers["rollcall_oldest_unsealed_event_seconds"] < 100
    beat = numbers['rollcall_worker_last_seen_timestamp_seconds{queue="main"}']
    assert beat == pytest.approx(now.timestamp(), abs=1)
    last = f'rollcall_schedule_last_run_timestamp_seconds{{task="{DELIVER}"}}'
    assert numbers[last] == pytest.approx(now.timestamp(), abs=1)


def test_a_scrape_reads_few_rows_however_many_there_are(client, django_assert_max_num_queries):
    account = make_user()
    rows = [Message(account=account, kind="invitation") for _ in range(50)]
    Message.objects.bulk_create(rows)
    client.get("/metrics")  # compares the triggers with the catalog, and reuses that for 30 s
    with django_assert_max_num_queries(69) as counted:
        client.get("/metrics")
    # These tables have a row for each queue or task.
    small = "users_workerbeat|users_scheduledrun|django_q_schedule"
    reads = [query["sql"] for query in counted if " FROM " in query["sql"]]
    assert reads
    for sql in reads:
        assert re.search(f"LIMIT|WorkerBeat|{small}", sql)


def test_without_the_database_the_counts_are_still_there(client, monkeypatch):
    client.get("/healthz")
    asked = []

    def refuse(*_: object, **__: object):
        asked.append(1)
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", refuse)
    numbers = read(client)
    assert numbers["rollcall_database_up"] == 0
    assert numbers['rollcall_requests_total{status="200",view="healthz"}'] == 1
    assert len(asked) == 1


def test_tasks_of_workers_are_counted_with_their_outcome(client):
    def fail() -> None:
        raise LookupError

    assert observation.run_task("tasks.add", lambda number: number + 1, 7) == 8
    with pytest.raises(LookupError):
        observation.run_task("tasks.add", fail)
    numbers = read(client)
    assert numbers['rollcall_tasks_total{outcome="done",task="tasks.add"}'] == 1
    assert numbers['rollcall_tasks_total{outcome="failed",task="tasks.add"}'] == 1
    assert numbers['rollcall_task_duration_seconds_count{task="tasks.add"}'] == 2


def test_accounts_of_jobs_are_counted_when_their_chunk_is_committed(
    client, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(worker.time, "sleep", lambda seconds: None)
    broken = make_user()
    with django_capture_on_commit_callbacks() as callbacks:
        job = work(start(make_superuser(), parameters={"raises": broken.pk}))
    assert (job.changed, job.failed) == (1, 1)
    name = "rollcall_job_accounts_total"
    assert not [each for each in read(client) if each.startswith(name)]
    for callback in callbacks:
        callback()
    numbers = read(client)
    assert numbers[f'{name}{{kind="stamp",outcome="changed"}}'] == 1
    assert numbers[f'{name}{{kind="stamp",outcome="failed"}}'] == 1


def test_attempts_to_send_are_counted_by_the_state_after_them(client, monkeypatch):
    good, refused, _ = post(3)

    def send(self, messages):
        [mail] = messages
        if mail.to == [good.to]:
            return 1
        code = 550 if mail.to == [refused.to] else 451
        raise ReplyError(Phase.RECIPIENT, code, "No")

    monkeypatch.setattr(EmailBackend, "send_messages", send)
    deliver_due_messages()
    numbers = read(client)
    for state in ("sent", "failed", "waiting"):
        name = f'rollcall_messages_total{{kind="{good.kind}",state="{state}"}}'
        assert numbers[name] == 1


def test_the_documentation_has_all_metrics_with_their_labels_and_no_other():
    for name, file in find_modules(ROOT).items():
        if re.search(r"= define_(counter|histogram)\(", file.read_text()):
            import_module(name)
    defined = {name: {gauge.label} - {""} for name, gauge in GAUGES.items()}
    defined["rollcall_database_up"] = set()
    for metric in METRICS:
        [family] = metric.describe()
        suffix = "_total" if family.type == "counter" else ""
        defined[family.name + suffix] = set(metric._labelnames)
    section = (ROOT / "docs" / "operating.md").read_text().split("\n## Metrics\n")[1]
    documented = {}
    for line in section.split("\n## ")[0].splitlines():
        cells = line.split("|")
        if line.startswith("| `rollcall_"):
            labels = set(re.findall("`(.+?)`", cells[2]))
            documented |= dict.fromkeys(re.findall("`(.+?)`", cells[1]), labels)
    assert documented == defined
