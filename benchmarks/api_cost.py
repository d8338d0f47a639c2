"""Measures the list of accounts of the API, and a peer: Django REST framework with ModelViewSet,
LimitOffsetPagination and its default serializer.

    python -m benchmarks.api_cost [--sizes 10000 1000000] [--repeats 200]

It fills a database of its own on a new PostgreSQL server, which it removes afterwards. Requests run
in this process, through all middleware, so the figures have no network. The peer needs
benchmarks/requirements-api.txt and is left out without it.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.audit_cost import run_manage, set_environment, set_up_django
from benchmarks.server import run_postgresql

FEW_REPEATS = 5
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    for number, size in enumerate(options.sizes):
        with tempfile.TemporaryDirectory(prefix="rollcall-api-") as folder:
            os.chmod(folder, 0o755)  # PostgreSQL runs as another user
            with run_postgresql(Path(folder) / "postgresql") as url:
                set_environment(url, folder)
                os.environ["TOKEN_REQUESTS_PER_MINUTE"] = "1000000"
                run_manage("migrate")
                run_manage("createcachetable")
                run_manage("collectstatic", "--noinput", "-v0")
                run_manage("seed", "--accounts", str(size))
                measure_size(size, options.repeats, is_first=number == 0)


def measure_size(size: int, repeats: int, *, is_first: bool) -> None:
    """Measures one size in a process of its own, since each has another database."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"Measuring {size:,} accounts failed.")
        return
    try:
        set_up_django()
        print(
            f"{size:,} accounts; medians in ms, and of CPU; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        measure_lists(size, repeats)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def measure_lists(size: int, repeats: int) -> None:
    client, page_client, cursor = prepare_clients(size)
    path = "/api/v1/accounts?size=100"
    middle = f"{path}&after={cursor}"
    show("list, cached", repeats, lambda: client.get(path))
    show("page, cached", repeats, lambda: page_client.get("/users/?size=100"))
    show("list, not cached", repeats, lambda: get_uncached(client, path))
    show("list in the middle, not cached", repeats, lambda: get_uncached(client, middle))
    if find_spec("rest_framework") is None:
        return
    view = peer_view()
    show("peer, first page", FEW_REPEATS, lambda: get_from_peer(view, 0))
    show("peer, middle page", FEW_REPEATS, lambda: get_from_peer(view, size // 2))


def prepare_clients(size: int) -> tuple[Any, Any, str]:
    """Returns a client with a token, one with a session, and a cursor in the middle."""
    from django.test import Client

    from users.directory.query import account_cursor
    from users.models import User
    from users.tokens.changes import TokenLimits, create_token

    root = User.objects.create_superuser("bench", email="bench@example.com")
    limits = TokenLimits(scopes=["view_user", "view_personal"], networks=[], rate=1_000_000)
    token = create_token(root, by=root, limits=limits, name="Benchmark", days=1)
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token.text}"})
    page_client = Client(SERVER_NAME="localhost")
    page_client.force_login(root, backend="users.signin.auth_backend.Backend")
    newest = User.objects.order_by("-date_joined")
    middle = newest[size // 2]
    return client, page_client, account_cursor("-joined", middle)


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


def show(label: str, repeats: int, send: Callable[[], Any]) -> None:
    """Prints the median time of a request, and its CPU time here, after some that warm up."""
    for _ in range(3):
        assert send().status_code == 200, label
    times = []
    cpu_times = []
    for _ in range(repeats):
        began = time.perf_counter()
        cpu_began = time.process_time()
        send()
        cpu_times.append(1000 * (time.process_time() - cpu_began))
        times.append(1000 * (time.perf_counter() - began))
    print(f"  {label:32}{median(times):10.2f}{median(cpu_times):10.2f}", flush=True)


if __name__ == "__main__":
    main()
