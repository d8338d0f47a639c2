"""However many ask for a page that is not there, it is built once; and nobody waits for a builder
who fails or is slow.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.cache import caches
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from tests.builders import make_user
from tests.caching.looking import ask, stored
from users.caching import backend, pages
from users.caching.backend import CLAIM_SECONDS, PageCache
from users.caching.generation import ACCOUNTS
from users.caching.pages import BuiltPage
from users.directory import views

CROWD = 8
POOL = ThreadPoolExecutor(CROWD)
LONG = 30  # seconds until a test is given up


class Builder:
    """A view that says how often it ran, and waits where it is told to."""

    def __init__(
        self,
        answer: Callable[[int], HttpResponse] = lambda number: HttpResponse(
            f"number {number}" * 100
        ),
    ):
        self.answer = answer
        self.calls = 0
        self.lock = threading.Lock()
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, request) -> HttpResponse:
        with self.lock:
            self.calls += 1
            number = self.calls
        self.begun.set()
        if number == 1:
            assert self.go_on.wait(LONG)
        return self.answer(number)


class Waiting:
    """Counts those who wait for somebody else's page."""

    def __init__(self, monkeypatch):
        self.count = threading.Semaphore(0)
        for name in ("await_thread", "await_process"):
            monkeypatch.setattr(
                pages.PageBuilder, name, self.noted(getattr(pages.PageBuilder, name))
            )

    def noted(self, wait: Callable) -> Callable:
        def noting(*given):
            self.count.release()
            return wait(*given)

        return noting

    def until(self, number: int) -> None:
        for _ in range(number):
            assert self.count.acquire(timeout=LONG)


def request(path: str = "/users/"):
    """As it comes to `pages.page`: of a viewer who was loaded, without messages."""
    request = RequestFactory().get(path, headers={"Accept-Encoding": "identity"})
    rights = {
        "is_superuser": False,
        "is_staff": True,
        "owner_id": None,
        "get_all_permissions": set,
        "generations": "accounts:1",
    }
    rights |= {"is_authenticated": True, "is_active": True, "has_perm": lambda name: True}
    request.user = SimpleNamespace(**rights)
    request._messages = []
    request.COOKIES["csrf"], request.resolver_match = "x", None
    return request


def as_built(answer: HttpResponse | BuiltPage) -> BuiltPage:
    return answer if isinstance(answer, BuiltPage) else BuiltPage(answer)


def page(view: Callable, path: str = "/users/") -> HttpResponse:
    build = lambda request: as_built(view(request))  # noqa: E731
    response = pages.cached_page(request(path), build, generations=(ACCOUNTS,))
    response.close()  # as the server does when it is sent
    return response


def crowd(view: Builder, waiting: Waiting, number: int = CROWD) -> list:
    """What each of a crowd got; the first builds, and goes on once all others wait."""

    def one():
        try:
            return page(view).content
        except ZeroDivisionError as error:
            return error

    first = POOL.submit(one)
    assert view.begun.wait(LONG)
    others = [POOL.submit(one) for _ in range(number - 1)]
    waiting.until(number - 1)
    view.go_on.set()
    return [future.result(LONG) for future in [first, *others]]


@pytest.fixture
def waiting(monkeypatch) -> Waiting:
    monkeypatch.setattr(pages, "BUILD_WAIT_SECONDS", LONG)
    return Waiting(monkeypatch)


@pytest.fixture(autouse=True)
def locks_that_last(monkeypatch):
    """However slow the machine is."""
    for module in (backend, pages):
        monkeypatch.setattr(module, "CLAIM_SECONDS", 600)


@pytest.fixture(autouse=True)
def nothing_stays_behind():
    yield
    assert pages.PENDING_BUILDS == {}
    assert not [key for key in stored() if "building:" in key]


@pytest.mark.django_db(transaction=True)
def test_the_directory_is_read_once_for_a_crowd(monkeypatch, waiting):
    clients = [Client() for _ in range(CROWD)]
    for client in clients:
        client.force_login(make_user("Viewer"))
        client.get("/me/")
    caches["pages"].clear()
    view = Builder(lambda number: None)
    table = views.render_table
    monkeypatch.setattr(
        views, "render_table", lambda request, *more: view(request) or table(request, *more)
    )

    def one(client: Client) -> bytes:
        try:
            return client.get("/users/").content
        finally:
            connection.close()

    answers = [POOL.submit(one, client) for client in clients]
    waiting.until(CROWD - 1)
    view.go_on.set()
    assert len({answer.result(LONG) for answer in answers}) == 1
    assert view.calls == 1
    assert ask(clients[0], "/users/").outcome == "hit"


def test_a_crowd_gets_the_same_bytes_from_one_builder(waiting):
    view = Builder()
    assert set(crowd(view, waiting)) == {b"number 1" * 100}
    assert view.calls == 1
    assert page(view).content == b"number 1" * 100
    assert view.calls == 1


def test_when_the_builder_fails_the_others_build_their_own(waiting):
    view = Builder(lambda number: HttpResponse(f"number {number}") if number > 1 else 1 / 0)
    first, *others = crowd(view, waiting)
    assert isinstance(first, ZeroDivisionError)
    assert set(others) == {f"number {number}".encode() for number in range(2, CROWD + 1)}
    assert view.calls == CROWD


def for_one(number: int) -> HttpResponse:
    response = HttpResponse(f"number {number}")
    response.set_cookie("own", str(number))
    return response


@pytest.mark.parametrize(
    "answer",
    [
        for_one,
        lambda number: HttpResponse(f"number {number}", status=404),
        lambda number: HttpResponse(f"number {number}", status=302),
    ],
    ids=["with a cookie", "not found", "a redirect"],
)
def test_an_answer_that_is_for_one_alone_is_neither_kept_nor_shared(waiting, answer):
    view = Builder(answer)
    assert set(crowd(view, waiting)) == {
        f"number {number}".encode() for number in range(1, CROWD + 1)
    }
    assert page(view).content == f"number {CROWD + 1}".encode()


def test_nobody_waits_for_ever(monkeypatch):
    monkeypatch.setattr(pages, "BUILD_WAIT_SECONDS", 0.05)
    view = Builder()
    first = POOL.submit(page, view)
    assert view.begun.wait(LONG)
    begin = time.monotonic()
    assert page(view).content == b"number 2" * 100  # while the first is not done
    assert 0.05 <= time.monotonic() - begin < LONG / 3
    assert not first.done()
    view.go_on.set()
    assert first.result(LONG).content == b"number 1" * 100


def test_other_pages_do_not_wait(waiting):
    view = Builder()
    first = POOL.submit(page, view)
    assert view.begun.wait(LONG)
    assert page(view, "/users/?q=a").content == b"number 2" * 100
    view.go_on.set()
    first.result(LONG)


def test_a_shared_page_whose_moment_came_meanwhile_is_built_anew(waiting, monkeypatch):
    clock = SimpleNamespace(now=datetime(2026, 3, 3, 12, tzinfo=UTC))
    end = clock.now + timedelta(seconds=5)
    monkeypatch.setattr("django.utils.timezone.now", lambda: clock.now)

    def answer(number: int) -> BuiltPage:
        built = BuiltPage(HttpResponse(f"number {number}"), end if number == 1 else None)
        clock.now = end
        return built

    view = Builder(answer)
    assert set(crowd(view, waiting, 2)) == {b"number 1", b"number 2"}


# --- two processes --------------------------------------------------------------------------------


def locks() -> list[str]:
    return [key for key in stored() if "building:" in key]


@pytest.fixture
def in_another_process(monkeypatch) -> Callable[[Builder], Future]:
    """The same page asked for by a process that knows nothing of the builder, but what the cache
    tells.
    """

    def asking(view: Builder) -> Future:
        pages.PENDING_BUILDS.clear()
        monkeypatch.setattr(backend, "BOOT_ID", "another")
        return POOL.submit(page, view)

    return asking


def test_two_processes_build_a_page_once(waiting, in_another_process):
    view = Builder()
    first = POOL.submit(page, view)
    assert view.begun.wait(LONG)
    assert len(locks()) == 1
    second = in_another_process(view)
    waiting.until(1)
    view.go_on.set()
    assert first.result(LONG).content == second.result(LONG).content == b"number 1" * 100
    assert view.calls == 1


@pytest.mark.postgresql
def test_a_thread_that_takes_the_lock_and_finds_a_builder_holds_nobody_up(waiting, monkeypatch):
    """Redis is asked before it is known which thread of the process builds: the lock is for all of
    them.
    """
    asked = threading.Event()
    go_on = threading.Event()
    called = pages.PageBuilder.__call__

    def late(builder) -> HttpResponse:
        if not asked.is_set():  # the first thread, which has the lock
            asked.set()
            assert go_on.wait(LONG)
        return called(builder)

    monkeypatch.setattr(pages.PageBuilder, "__call__", late)
    view = Builder()
    first = POOL.submit(page, view)
    assert asked.wait(LONG)
    assert len(locks()) == 1
    second = POOL.submit(page, view)
    assert view.begun.wait(LONG)  # it does not wait for the lock
    go_on.set()
    waiting.until(1)
    view.go_on.set()
    assert first.result(LONG).content == second.result(LONG).content == b"number 1" * 100
    assert view.calls == 1


def test_a_process_does_not_wait_for_ever_for_another(monkeypatch, in_another_process):
    monkeypatch.setattr(pages, "BUILD_WAIT_SECONDS", 0.05)
    view = Builder()
    first = POOL.submit(page, view)
    assert view.begun.wait(LONG)
    assert in_another_process(view).result(LONG).content == b"number 2" * 100
    assert not first.done()
    assert len(locks()) == 1  # it is the first one's still
    view.go_on.set()
    first.result(LONG)


@pytest.mark.parametrize("answer", [lambda number: 1 / 0, for_one], ids=["failed", "for one alone"])
def test_what_the_other_process_does_not_keep_is_built_here(
    monkeypatch, in_another_process, answer
):
    monkeypatch.setattr(pages, "BUILD_WAIT_SECONDS", 0.2)
    view = Builder(lambda number: answer(number) if number == 1 else HttpResponse("built here"))
    waiting = Waiting(monkeypatch)
    first = POOL.submit(page, view)
    assert view.begun.wait(LONG)
    second = in_another_process(view)
    waiting.until(1)
    view.go_on.set()
    assert second.result(LONG).content == b"built here"
    assert isinstance(
        first.exception(LONG), ZeroDivisionError if answer is not for_one else type(None)
    )


def test_a_builder_that_was_killed_is_waited_for_once_and_forgotten(monkeypatch):
    monkeypatch.setattr(pages, "BUILD_WAIT_SECONDS", 0.05)
    seen: list[str] = []
    view = Builder(lambda number: seen.extend(locks()) or HttpResponse(f"number {number}" * 100))
    view.go_on.set()
    page(view, "/users/?q=a")
    [lock] = seen
    caches["pages"].clear()
    caches["pages"].add(lock[lock.index("building:") :], True, CLAIM_SECONDS)
    assert page(view, "/users/?q=a").content == b"number 2" * 100
    assert page(view, "/users/?q=a").content == b"number 2" * 100  # kept, whoever holds the lock
    caches["pages"].delete(lock[lock.index("building:") :])


def test_a_page_that_was_made_is_in_the_cache_when_it_is_sent_and_the_lock_is_free():
    view = Builder()
    view.go_on.set()
    response = pages.cached_page(
        request(), lambda request: as_built(view(request)), generations=(ACCOUNTS,)
    )
    assert len(locks()) == int(
        isinstance(caches["pages"], PageCache)
    )  # nobody has waited for Redis
    response.close()
    assert locks() == []
    if isinstance(caches["pages"], PageCache):
        caches["pages"].memory.clear()
    assert page(view).content == b"number 1" * 100


def test_a_view_that_fails_leaves_no_lock():
    with pytest.raises(ZeroDivisionError):
        page(lambda request: 1 / 0)
    assert locks() == []
