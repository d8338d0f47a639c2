"""Measures the list of accounts of the API, and a peer: Django REST framework with ModelViewSet,
LimitOffsetPagination and its default serializer.

    python -m benchmarks.api_cost [--sizes 10000 1000000] [--repeats 200] [--kept SIZE=FOLDER]

Each size has a database on a PostgreSQL server of its own, which is removed afterwards; --kept
names the folder of one that `bin/bench --keep` has filled. Sizes and lines take turns, so that all
of them meet the same load of the machine. Requests run in one process for each size, through all
middleware, so the figures have no network. The peer needs benchmarks/requirements-api.txt and is
left out without it.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.audit_cost import run_manage, set_environment, set_up_django
from benchmarks.server import run_postgresql

# Turns of each size for each line.
ROUNDS = 20
PEER_REPEATS = 5
WARM_UP = 3
LINES = (
    "list, cached",
    "page, cached",
    "list, cached, token by rows",
    "list, not cached",
    "list in the middle, not cached",
)
PEER_LINES = ("peer, first page", "peer, middle page")
PEER_FIELDS = (
    "id",
    "username",
    "email",
    "first_name",
    "last_name",
    "status",
    "date_joined",
    "last_seen_at",
    "version",
)
fork_context = multiprocessing.get_context("fork")
# Pairs of milliseconds: elapsed time, and CPU time of the process.
Times = list[tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--kept", nargs="*", default=[], metavar="SIZE=FOLDER")
    options = parser.parse_args()
    kept = dict(each.split("=", 1) for each in options.kept)
    with ExitStack() as stack:
        runs = [run_site(size, kept.get(str(size))) for size in options.sizes]
        sites = [stack.enter_context(run) for run in runs]
        for site in sites:
            site.pipe.recv()
        print_heading(options.sizes)
        measure_lines(LINES, sites, ROUNDS, max(options.repeats // ROUNDS, 1))
        if find_spec("rest_framework"):
            measure_lines(PEER_LINES, sites, PEER_REPEATS, 1)


@dataclass
class MeasuredSite:
    """The process that answers the requests of one size."""

    size: int
    pipe: Connection

    def measure(self, line: str, repeats: int) -> Times:
        self.pipe.send((line, repeats))
        times: Times = self.pipe.recv()
        return times


@contextmanager
def run_site(size: int, kept: str | None) -> Iterator[MeasuredSite]:
    """Yields the site of one size; it says through its pipe when it is ready."""
    with tempfile.TemporaryDirectory(prefix="rollcall-api-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        with run_postgresql(Path(kept or folder) / "postgresql") as url:
            own, other = fork_context.Pipe()
            values = (own, other, url, folder, size)
            process = fork_context.Process(target=serve_lines, args=values, daemon=True)
            process.start()
            other.close()
            try:
                yield MeasuredSite(size, own)
            finally:
                own.close()
                process.join()


def serve_lines(parent: Connection, pipe: Connection, url: str, folder: str, size: int) -> None:
    """Prepares the database, and measures each line that the pipe asks for."""
    # The fork has copied it. While it is open here, the end of the parent is never noticed.
    parent.close()
    set_environment(url, folder)
    os.environ["TOKEN_REQUESTS_PER_MINUTE"] = "1000000"
    run_manage("migrate")
    run_manage("createcachetable")
    run_manage("collectstatic", "--noinput", "-v0")
    set_up_django()
    fill_accounts(size)
    requests = measured_requests(size)
    pipe.send("ready")
    warm: set[str] = set()
    while True:
        try:
            line, repeats = pipe.recv()
        except EOFError:
            return
        send = requests[line]
        # Fills the page cache of the process and compiles the queries.
        for _ in range(1 if line in warm else WARM_UP):
            assert send().status_code == 200, line
        warm.add(line)
        pipe.send([timed(send) for _ in range(repeats)])


def timed(send: Callable[[], Any]) -> tuple[float, float]:
    """Returns the milliseconds of one request, and those of this process's CPU."""
    began = time.perf_counter()
    cpu_began = time.process_time()
    send()
    cpu = time.process_time() - cpu_began
    return 1000 * (time.perf_counter() - began), 1000 * cpu


def fill_accounts(size: int) -> None:
    from users.models import User

    if not User.objects.exists():
        run_manage("seed", "--accounts", str(size))


def measured_requests(size: int) -> dict[str, Callable[[], Any]]:
    """Returns a function for each line, which sends its request and returns the answer."""
    client, page_client, cursor = prepare_clients(size)
    path = "/api/v1/accounts?size=100"
    middle = f"{path}&after={cursor}"
    senders: tuple[Callable[[], Any], ...] = (
        lambda: client.get(path),
        lambda: page_client.get("/users/?size=100"),
        lambda: get_by_rows(client, path),
        lambda: get_uncached(client, path),
        lambda: get_uncached(client, middle),
    )
    found = dict(zip(LINES, senders, strict=True))
    if find_spec("rest_framework"):
        view = peer_view()
        found["peer, first page"] = lambda: get_from_peer(view, 0)
        found["peer, middle page"] = lambda: get_from_peer(view, size // 2)
    return found


def prepare_clients(size: int) -> tuple[Any, Any, str]:
    """Returns a client with a token, one with a session, and a cursor in the middle."""
    from django.test import Client

    from users.directory.query import account_cursor
    from users.models import User
    from users.tokens.changes import TokenLimits, create_token

    name = f"api-bench-{time.time():.0f}"
    root = User.objects.create_superuser(name, email=f"{name}@example.com")
    limits = TokenLimits(scopes=["view_user", "view_personal"], networks=[], rate=1_000_000)
    token = create_token(root, by=root, limits=limits, name="Benchmark", days=1)
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token.text}"})
    page_client = Client(SERVER_NAME="localhost")
    page_client.force_login(root, backend="users.signin.auth_backend.Backend")
    newest = User.objects.order_by("-date_joined")
    middle = newest[size // 2]
    return client, page_client, account_cursor("-joined", middle)


def get_by_rows(client: Any, path: str) -> Any:
    """Returns the answer without the statement that loads a token with all that belongs to it."""
    from users.tokens import token_query

    with patch.object(token_query, "load_token_use", token_query.load_token_row):
        return client.get(path)


def get_uncached(client: Any, path: str) -> Any:
    from django.core.cache import caches

    caches["pages"].clear()
    return client.get(path)


def peer_view() -> Callable[[Any], Any]:
    """Returns the list of the peer, as its tutorial builds it."""
    from django.contrib.auth import get_user_model
    from rest_framework.pagination import LimitOffsetPagination
    from rest_framework.serializers import ModelSerializer
    from rest_framework.viewsets import ModelViewSet

    account_model = get_user_model()

    class AccountSerializer(ModelSerializer):
        class Meta:
            model = account_model
            fields = PEER_FIELDS

    class AccountViewSet(ModelViewSet):
        queryset = account_model.objects.order_by("-date_joined", "-id")
        serializer_class = AccountSerializer
        pagination_class = LimitOffsetPagination
        authentication_classes = ()
        permission_classes = ()

    return AccountViewSet.as_view({"get": "list"})


def get_from_peer(view: Callable[[Any], Any], offset: int) -> Any:
    """Returns the rendered answer of the peer, without authentication and middleware."""
    from django.test import RequestFactory

    values = {"limit": "100", "offset": str(offset), "format": "json"}
    response = view(RequestFactory(SERVER_NAME="localhost").get("/", values))
    response.render()
    return response


def print_heading(sizes: list[int]) -> None:
    print(f"Medians in ms, and of CPU; load {os.getloadavg()[0]:.1f}")
    columns = "".join(f"{size:>14,}{'CPU':>10}" for size in sizes)
    print(f"  {'accounts':32}{columns}", flush=True)


def measure_lines(
    lines: tuple[str, ...], sites: list[MeasuredSite], rounds: int, repeats: int
) -> None:
    """Prints the medians of each line for each size."""
    times: dict[str, dict[int, Times]] = {}
    for line in lines:
        times[line] = {site.size: [] for site in sites}
    for _ in range(rounds):
        for line in lines:
            for site in sites:
                times[line][site.size] += site.measure(line, repeats)
    for line, by_size in times.items():
        columns = "".join(map(median_columns, by_size.values()))
        print(f"  {line:32}{columns}", flush=True)


def median_columns(times: Times) -> str:
    whole, cpu = zip(*times, strict=True)
    return f"{median(whole):14.2f}{median(cpu):10.2f}"


if __name__ == "__main__":
    main()
