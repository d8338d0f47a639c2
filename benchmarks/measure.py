"""Measures one case after the other, with the peers taking turns at each request."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from math import ceil
from statistics import median

from benchmarks.cases import Case, accounts_to_edit
from benchmarks.client import Answer, Connection
from benchmarks.form_parser import form_with
from benchmarks.peers import CLIENTS, Running
from benchmarks.query_count import QUERY_HEADER

FEWEST_REQUESTS = 3
# The number of accounts that a case asks for in turn.
ACCOUNTS_IN_TURN = 100
# Seconds of one request above which throughput is not measured.
TOO_SLOW = 3.0


@dataclass
class Result:
    """The figures of one case at one peer.

    `queries` is the number when the peer has cached the page, `queries_first` the one before.
    `bytes` are those sent; `per_second` is None if it was not measured.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)
    queries: int | None = None
    queries_first: int | None = None
    bytes: int = 0
    per_second: float | None = None

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def p95(self) -> float:
        return p95(self.seconds)

    @property
    def faults(self) -> dict[int, int]:
        return count_faults(self.statuses)

    def note(self, answer: Answer) -> None:
        self.seconds.append(answer.seconds)
        self.statuses[answer.status] += 1


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[ceil(0.95 * len(seconds)) - 1]


def count_faults(statuses: Counter[int]) -> dict[int, int]:
    return {status: number for status, number in statuses.items() if status not in (200, 302)}


Results = dict[str, Result]
Request = Callable[[Connection], Answer]


@dataclass(frozen=True)
class Effort:
    """The number of requests: `repeats` sequential ones, fewer if they take more than `limit`
    seconds; then those of 8 clients for `seconds`.
    """

    repeats: int
    limit: float
    seconds: float


def count_queries(case: Case, peers: list[Running]) -> Results:
    """Returns queries and bytes of two requests to a peer with caches, and of one to the others."""
    results = {}
    for running in peers:
        connection = running.connect()
        request = client_requests(case, running)[0]
        first = request(connection)
        last = request(connection) if running.peer.caches else first
        connection.close()
        results[running.peer.name] = Result(
            bytes=len(last.body),
            queries=query_count(last),
            queries_first=query_count(first),
        )
    return results


def query_count(answer: Answer) -> int | None:
    number = answer.headers.get(QUERY_HEADER.lower())
    return int(number) if number else None


def warm_up(peers: list[Running], paths: dict[str, str]) -> None:
    """Makes both workers of each peer load everything once.

    Raises RuntimeError if a peer does not show its list.
    """
    for running in peers:
        connections = [running.connect() for _ in range(2 * CLIENTS)]
        for connection in connections:
            answer = connection.get(paths[running.peer.site])
            connection.close()
            if answer.status != 200:
                raise RuntimeError(
                    f"{running.peer.label} answered {answer.status} instead of its list."
                )


def measure_case(case: Case, peers: list[Running], results: Results, effort: Effort) -> None:
    """Adds times, statuses and throughput to `results`."""
    ask_sequentially(case, peers, results, effort)
    for running in peers:
        result = results[running.peer.name]
        if effort.seconds and result.median <= TOO_SLOW:
            requests = client_requests(case, running)
            counts, result.per_second = ask_concurrently(requests, running, effort.seconds)
            for (status, _), number in counts.items():
                result.statuses[status] += number


def ask_sequentially(case: Case, peers: list[Running], results: Results, effort: Effort) -> None:
    """Asks each peer once to fill its caches, then all of them in turn."""
    connections = {running.peer.name: running.connect() for running in peers}
    requests = {running.peer.name: client_requests(case, running)[0] for running in peers}
    spent = {}
    for name, request in requests.items():
        spent[name] = note_first(results[name], request(connections[name]), effort)
    for _ in range(effort.repeats):
        for name, request in requests.items():
            if spent[name] > effort.limit and len(results[name].seconds) >= FEWEST_REQUESTS:
                continue
            answer = request(connections[name])
            spent[name] += answer.seconds
            results[name].note(answer)
    for connection in connections.values():
        connection.close()


def note_first(result: Result, answer: Answer, effort: Effort) -> float:
    """Returns the seconds of the first answer.

    It fills the caches of the database and is not counted, unless few requests fit into the limit.
    """
    if answer.seconds > effort.limit / FEWEST_REQUESTS:
        result.note(answer)
    return answer.seconds


def ask_concurrently(
    requests: list[Request], running: Running, seconds: float
) -> tuple[Counter[tuple[int, str]], float]:
    """Lets a client for each request repeat it for `seconds`, and waits for the last answers.

    Returns the number of answers by status and outcome, and the answers per second.
    """
    connections = [running.connect() for _ in requests]
    begin = time.monotonic()

    def repeat(request: Request, connection: Connection) -> Counter:
        counts: Counter = Counter()
        while time.monotonic() < begin + seconds:
            answer = request(connection)
            counts[answer.status, answer.outcome] += 1
        return counts

    with ThreadPoolExecutor(len(requests)) as pool:
        counts: Counter = sum(pool.map(repeat, requests, connections), Counter())
    elapsed = time.monotonic() - begin
    for connection in connections:
        connection.close()
    return counts, counts.total() / elapsed


def client_requests(case: Case, running: Running) -> list[Request]:
    """Returns the request that each client repeats."""
    path = case.paths[running.peer.site]
    if case.edits:
        return [edit_request(path.format(pk=pk)) for pk in accounts_to_edit(CLIENTS)]
    if "{pk}" not in path:
        return [lambda connection: connection.get(path)] * CLIENTS
    paths = cycle([path.format(pk=pk) for pk in accounts_to_edit(ACCOUNTS_IN_TURN)])
    return [lambda connection: connection.get(next(paths))] * CLIENTS


def edit_request(path: str) -> Request:
    """Returns a request that loads a form and saves another first name; it answers the POST."""
    names = cycle(["Alma", "Blake", "Casey", "Devon", "Ellis"])

    def edit(connection: Connection) -> Answer:
        page = connection.get(path)
        if page.status != 200:
            return page
        fields = [field for field in form_with("first_name", page.page) if field[0] != "first_name"]
        return connection.post(path, [*fields, ("first_name", f"Robin {next(names)}")])

    return edit
