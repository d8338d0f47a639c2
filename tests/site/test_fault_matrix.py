"""Each page with each service up, slow, down, and behind a network that drops all packets: status,
time and words. And how many connections a web process opens.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.db import connection

from tests.builders import make_superuser, make_user
from tests.database.outage import collect_static, signed_in, token, web_process
from tests.mail.servers import Postbox, serve
from tests.processes import database_url, until
from tests.proxies import Proxy
from tests.replica_server import Replica, replica_server
from tests.visitor import Visitor
from users.jobs.models import WorkerBeat
from users.jobs.queue.task_queue import CLUSTERS
from users.mail.models import Message
from users.models import User
from users.notes.models import Note

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.long,
]
# Seconds that a page may take on a machine with much else to do.
LIMIT = 5.0
# Seconds by which a slow service answers later. Redis is waited for 0.1 s.
# The replica's position is waited for 0.5 s.
DELAYS = {"postgresql": 0.02, "redis": 0.5, "smtp": 30.0, "replica": 1.0}
THREADS = 4
PAGES = {
    "dashboard": "/",
    "status": "/status/",
    "list": "/users/",
    "search": "/users/?q=ada",
    "account": "/users/{pk}/",
    "history": "/users/{pk}/history/",
    "sign-ins": "/users/{pk}/sign-ins/",
    "notes": "/users/{pk}/notes/",
    "trail": "/audit/",
    "jobs": "/jobs/",
    "mail": "/users/{pk}/mail/",
    "sign-in": "/login/",
    "reset": "/password/reset/",
}
NO_WORKER = "No worker"
# The dependencies among the checks of /readyz.
CHECKS = {"database", "cache", "mail", "workers", "replica"}
SOCKET = ".s.PGSQL.5432"


@dataclass
class Site:
    port: str
    proxies: dict[str, Proxy]
    replica: Replica


@pytest.fixture(scope="module")
def site(tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[Site]:
    """A web process whose services are behind proxies."""
    with ExitStack() as stack, django_db_blocker.unblock():
        # The path of a socket has at most 107 bytes.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-")))
        folder.chmod(0o711)
        database = urlsplit(database_url())
        host = parse_qs(database.query)["host"][0]
        replica = stack.enter_context(replica_server(folder / "s"))
        redis = urlsplit(settings.REDIS_URL)
        postbox = serve(Postbox())
        stack.callback(postbox.stop)
        proxies = {
            "postgresql": Proxy(f"{host}/{SOCKET}", f"{folder}/{SOCKET}"),
            "replica": Proxy(f"{folder}/s/{SOCKET}", f"{folder}/.s.PGSQL.5433"),
            "redis": Proxy(("127.0.0.1", redis.port or 6379), ("127.0.0.1", 0)),
            "smtp": Proxy(("127.0.0.1", postbox.port), ("127.0.0.1", 0)),
        }
        changes = {
            "DATABASE_URL": database._replace(query=f"host={folder}").geturl(),
            "REPLICA_URL": database._replace(query=f"host={folder}&port=5433").geturl(),
            "REDIS_URL": f"redis://127.0.0.1:{proxies['redis'].address[1]}{redis.path}",
            "EMAIL_URL": f"smtp://127.0.0.1:{proxies['smtp'].address[1]}",
            "STATEMENT_TIMEOUT_MS": "2000",
            "VAR_DIR": str(tmp_path_factory.mktemp("var")),
            "DEBUG": "0",
        }
        collect_static(Path(changes["VAR_DIR"]))
        _, port = stack.enter_context(
            web_process(tmp_path_factory.mktemp("web"), threads=THREADS, **changes)
        )
        yield Site(port, proxies, replica)


@pytest.fixture
def account(site) -> User:
    """An account that the replica has too."""
    for cluster in CLUSTERS:
        WorkerBeat.objects.create(cluster=cluster)
    account = make_user(username="ada")
    site.replica.resume()
    return account


def timed(visitor: Visitor, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    """Returns status and text of a page, which must come within LIMIT."""
    started = time.monotonic()
    response, text = visitor.ask(path, form)
    assert time.monotonic() - started < LIMIT, path
    return response.status, text


EXPECTED = dict.fromkeys(PAGES, 200) | {"sign-in": 302}  # the viewer is signed in


def pages(account: User) -> dict[str, str]:
    return {name: path.format(pk=account.pk) for name, path in PAGES.items()}


def statuses(visitor: Visitor, account: User) -> dict[str, int]:
    return {name: timed(visitor, path)[0] for name, path in pages(account).items()}


def write_note(visitor: Visitor, account: User, page: str, text: str) -> int:
    fields = {"csrfmiddlewaretoken": token(page), "text": text}
    return timed(visitor, f"/users/{account.pk}/notes/", fields)[0]


def culprits(visitor: Visitor) -> tuple[int, dict[str, str]]:
    """Returns the status of /readyz, which must come within two seconds, and what is named as the
    cause of a problem.
    """
    began = time.monotonic()
    response, text = visitor.ask("/readyz")
    assert time.monotonic() - began < 2
    found = {name: text for name, text in json.loads(text).items() if isinstance(text, str)}
    fine = ("ok", "unknown")
    return response.status, {
        name: text for name, text in found.items() if name in CHECKS and not text.startswith(fine)
    }


# It comes first: a good result of the mail server is reused for half a minute.
def test_the_readiness_probe_names_who_is_away_or_hangs_within_two_seconds(site, account):
    visitor = Visitor(site.port, "localhost")
    for service, check in (("smtp", "mail"), ("redis", "cache"), ("replica", "replica")):
        for state in ("cut", "down", "slow"):
            with site.proxies[service].state(state, 30):
                status, named = culprits(visitor)
                metrics = timed(visitor, "/metrics")[1]
            assert (status, set(named)) == (200, {check}), state
            assert "\nrollcall_database_up 1.0\n" in metrics


@pytest.mark.parametrize(
    ("service", "state"),
    [
        ("postgresql", "up"),
        ("postgresql", "slow"),
        ("redis", "slow"),
        ("redis", "down"),
        ("redis", "cut"),
        ("replica", "down"),
        ("replica", "cut"),
        ("smtp", "slow"),
        ("smtp", "down"),
    ],
)
def test_every_page_comes_and_every_change_is_made(site, account, service, state):
    visitor = signed_in(site.port, make_superuser())
    before = site.proxies["smtp"].opened
    with site.proxies[service].state(state, DELAYS[service]):
        assert statuses(visitor, account) == EXPECTED
        page = timed(visitor, f"/users/{account.pk}/notes/")[1]
        assert write_note(visitor, account, page, "Called") == 302
        assert asks_for_a_password(site, account) == 302
    assert Note.objects.get(account=account).text == "Called"
    until(lambda: Message.objects.filter(account=account).exists())
    assert site.proxies["smtp"].opened == before  # no request waits for it


def asks_for_a_password(site: Site, account: User) -> int:
    stranger = Visitor(site.port, "localhost")
    form = {"csrfmiddlewaretoken": token(stranger.ask("/password/reset/")[1])}
    return timed(stranger, "/password/reset/", form | {"email": account.email})[0]


@pytest.mark.parametrize("state", ["down", "cut"])
def test_without_the_database_pages_say_so_and_nothing_is_changed(site, account, state):
    visitor = signed_in(site.port, make_superuser())
    page = visitor.ask(f"/users/{account.pk}/notes/")[1]
    connection.close()
    with site.proxies["postgresql"].state(state, 0):
        for name, path in pages(account).items():
            status, text = timed(visitor, path)
            assert status == 503, name
            assert "The database is not available" in text, name
        assert visitor.ask("/users/")[0].headers["Retry-After"]
        assert write_note(visitor, account, page, "Called") == 503
        assert visitor.ask("/healthz")[0].status == 200
        status, named = culprits(visitor)
        assert (status, set(named)) == (503, {"database"})
    assert statuses(visitor, account) == EXPECTED  # from the first request on
    assert not Note.objects.filter(account=account).exists()


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_without_a_worker_pages_come_and_those_that_wait_for_one_say_so(site, account, cluster):
    visitor = signed_in(site.port, make_superuser())
    assert NO_WORKER not in timed(visitor, "/jobs/")[1]
    WorkerBeat.objects.filter(cluster=cluster).delete()
    assert statuses(visitor, account) == EXPECTED
    assert f"{cluster} never seen" in timed(visitor, "/readyz")[1]
    if cluster == "main":
        assert NO_WORKER in timed(visitor, "/jobs/")[1]


def test_a_web_process_opens_as_many_connections_as_the_documents_say(site, account):
    """The formula in docs/scaling.md: one for each thread, and those of probes, which have threads
    of their own: two of /readyz and one of /metrics.
    """
    root = make_superuser()
    visitors = [signed_in(site.port, root) for _ in range(3 * THREADS)]
    for name in ("postgresql", "replica"):
        site.proxies[name].most_open = 0
    paths = [*pages(account).values(), "/readyz", "/metrics"]
    with ThreadPoolExecutor(len(visitors)) as pool:
        answers = pool.map(lambda visitor: [timed(visitor, path) for path in paths], visitors)
    assert {status for each in answers for status, _ in each} == {200, 302}
    assert THREADS < site.proxies["postgresql"].most_open <= THREADS + 3
    assert 1 < site.proxies["replica"].most_open <= THREADS + 1
