"""Measures one case after the other, with the peers taking turns at each request."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, cycle
from math import ceil
from statistics import median

from benchmarks.cases import LIST_EXPECTED, Case, accounts_to_edit
from benchmarks.client import Answer, Connection
from benchmarks.expected import Expected
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

    `seconds` are those of answers that are the requested page; `faults` counts the others by what
    was wrong with them. `queries` is the number when the peer has cached the page, `queries_first`
    the one before. `bytes` are those sent; `per_second` is None if it was not measured.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
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

    def note(self, response: "Response") -> None:
        """Counts a response, and its time if it is the requested page."""
        self.statuses[response.answer.status] += 1
        if fault := response.fault:
            self.faults[fault] += 1
        else:
            self.seconds.append(response.answer.seconds)


@dataclass(frozen=True)
class Response:
    """An answer and what was expected. The page is read when `fault` is."""

    answer: Answer
    expected: Expected

    @property
    def fault(self) -> str:
        """What is wrong with the answer, or "" if it is the requested page."""
        return self.expected.find_fault(self.answer)


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[ceil(0.95 * len(seconds)) - 1]


def count_faults(statuses: Counter[int]) -> dict[int, int]:
    return {status: number for status, number in statuses.items() if status not in (200, 302)}


Results = dict[str, Result]
Request = Callable[[Connection], Response]


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
        first = request(connection).answer
        last = request(connection).answer if running.peer.caches else first
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
            if fault := LIST_EXPECTED[running.peer.site].find_fault(answer):
                raise RuntimeError(f"{running.peer.label} does not show its list: {fault}.")


def measure_case(case: Case, peers: list[Running], results: Results, effort: Effort) -> None:
    """Adds times, statuses and throughput to `results`."""
    ask_sequentially(case, peers, results, effort)
    for running in peers:
        result = results[running.peer.name]
        if effort.seconds and result.seconds and result.median <= TOO_SLOW:
            requests = client_requests(case, running)
            throughput = ask_concurrently(requests, running, effort.seconds)
            result.per_second = throughput.per_second
            result.faults += throughput.faults
            for (status, _), number in throughput.counts.items():
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
            asked = results[name].statuses.total()
            if spent[name] > effort.limit and asked >= FEWEST_REQUESTS:
                continue
            response = request(connections[name])
            spent[name] += response.answer.seconds
            results[name].note(response)
    for connection in connections.values():
        connection.close()


def note_first(result: Result, response: Response, effort: Effort) -> float:
    """Returns the seconds of the first response.

    It fills the caches of the database and is not counted, unless few requests fit into the limit.
    """
    if response.answer.seconds > effort.limit / FEWEST_REQUESTS:
        result.note(response)
    return response.answer.seconds


@dataclass(frozen=True)
class Throughput:
    """The figures of concurrent clients: responses by status and outcome, faults, and the requested
    pages per second.
    """

    counts: Counter[tuple[int, str]]
    faults: Counter[str]
    per_second: float


def ask_concurrently(requests: list[Request], running: Running, seconds: float) -> Throughput:
    """Lets a client for each request repeat it for `seconds`, and waits for the last answers.

    The pages are read afterwards, because that takes time from the servers.
    """
    connections = [running.connect() for _ in requests]
    begin = time.monotonic()

    def repeat(request: Request, connection: Connection) -> list[Response]:
        responses = []
        while time.monotonic() < begin + seconds:
            responses.append(request(connection))
        return responses

    with ThreadPoolExecutor(len(requests)) as pool:
        clients = list(pool.map(repeat, requests, connections))
    elapsed = time.monotonic() - begin
    for connection in connections:
        connection.close()
    return count_responses(list(chain.from_iterable(clients)), elapsed)


def count_responses(responses: list[Response], elapsed: float) -> Throughput:
    """Returns the figures of responses that arrived within `elapsed` seconds."""
    faults = Counter(response.fault for response in responses)
    requested = faults.pop("", 0)
    return Throughput(
        counts=Counter((each.answer.status, each.answer.outcome) for each in responses),
        faults=faults,
        per_second=requested / elapsed,
    )


def client_requests(case: Case, running: Running) -> list[Request]:
    """Returns the request that each client repeats."""
    path = case.paths[running.peer.site]
    expected = case.expected[running.peer.site]
    if case.edits:
        return [edit_request(path, expected, pk) for pk in accounts_to_edit(CLIENTS)]
    if "{pk}" not in path:
        return [page_request([(path, expected)])] * CLIENTS
    accounts = accounts_to_edit(ACCOUNTS_IN_TURN)
    pages = [(path.format(pk=pk), expected.for_account(pk)) for pk in accounts]
    return [page_request(pages)] * CLIENTS


def page_request(pages: list[tuple[str, Expected]]) -> Request:
    """Returns a request for one of the pages after the other."""
    in_turn = cycle(pages)

    def ask(connection: Connection) -> Response:
        path, expected = next(in_turn)
        return Response(connection.get(path), expected)

    return ask


def edit_request(form_path: str, expected: Expected, pk: int) -> Request:
    """Returns a request that loads a form and saves another first name; it answers the POST."""
    path = form_path.format(pk=pk)
    saved = expected.for_account(pk)
    names = cycle(["Alma", "Blake", "Casey", "Devon", "Ellis"])

    def edit(connection: Connection) -> Response:
        page = connection.get(path)
        if page.status != 200:
            return Response(page, saved)
        fields = [field for field in form_with("first_name", page.page) if field[0] != "first_name"]
        answer = connection.post(path, [*fields, ("first_name", f"Robin {next(names)}")])
        return Response(answer, saved)

    return edit
