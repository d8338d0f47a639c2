"""One case after the other, and within each case one peer after the other, request by request."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from math import ceil
from statistics import median

from benchmarks.cases import Case, edited
from benchmarks.client import Answer, Connection
from benchmarks.counting import HEADER
from benchmarks.forms import form_with
from benchmarks.peers import CLIENTS, Running

FEWEST = 3
IN_TURN = 100  # accounts
TOO_SLOW = 3.0  # seconds of one request, beyond which 8 clients would only wait


@dataclass
class Result:
    """Of one case at one peer. Seconds; bytes as sent; `per_second` is None where it was not
    measured.

    `queries`: once the peer's caches have the page. `queries_first`: before.
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
        return faulty(self.statuses)

    def note(self, answer: Answer) -> None:
        self.seconds.append(answer.seconds)
        self.statuses[answer.status] += 1


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[ceil(0.95 * len(seconds)) - 1]


def faulty(statuses: Counter[int]) -> dict[int, int]:
    return {status: number for status, number in statuses.items() if status not in (200, 302)}


Results = dict[str, Result]
Act = Callable[[Connection], Answer]


@dataclass(frozen=True)
class Effort:
    """`repeats` sequential requests, fewer when they take more than `limit` seconds; then 8 clients
    for `seconds`.
    """

    repeats: int
    limit: float
    seconds: float


def count(case: Case, peers: list[Running]) -> Results:
    """Two requests of a peer with caches, one of each other, for queries and bytes."""
    results = {}
    for running in peers:
        connection = running.connect()
        act = acts(case, running)[0]
        answers = [act(connection) for _ in range(2 if running.peer.caches else 1)]
        connection.close()
        first = queries(answers[0])
        last = queries(answers[-1])
        results[running.peer.name] = Result(
            bytes=len(answers[-1].body), queries=last, queries_first=first
        )
    return results


def queries(answer: Answer) -> int | None:
    number = answer.headers.get(HEADER.lower())
    return int(number) if number else None


def warm_up(peers: list[Running], paths: dict[str, str]) -> None:
    """Both workers of each peer have loaded everything once. Raises RuntimeError where one does not
    show its list.
    """
    for running in peers:
        connections = [running.connect() for _ in range(2 * CLIENTS)]
        for connection in connections:
            answer = connection.get(paths[running.peer.site])
            connection.close()
            if answer.status != 200:
                raise RuntimeError(
                    f"{running.peer.label} answers {answer.status} and not its list."
                )


def measure(case: Case, peers: list[Running], results: Results, effort: Effort) -> None:
    """Fills in times, statuses and throughput."""
    sequentially(case, peers, results, effort)
    for running in peers:
        result = results[running.peer.name]
        if effort.seconds and result.median <= TOO_SLOW:
            done, result.per_second = together(acts(case, running), running, effort.seconds)
            for (status, _), number in done.items():
                result.statuses[status] += number


def sequentially(case: Case, peers: list[Running], results: Results, effort: Effort) -> None:
    ways = [
        (results[running.peer.name], acts(case, running)[0], running.connect()) for running in peers
    ]
    spent = [first(result, act(connection), effort) for result, act, connection in ways]
    for _ in range(effort.repeats):
        for number, (result, act, connection) in enumerate(ways):
            if spent[number] > effort.limit and len(result.seconds) >= FEWEST:
                continue
            answer = act(connection)
            spent[number] += answer.seconds
            result.note(answer)
    for _, _, connection in ways:
        connection.close()


def first(result: Result, answer: Answer, effort: Effort) -> float:
    """Its seconds. It fills the caches of the database and is not noted, unless it is so slow that
    each one counts.
    """
    if answer.seconds > effort.limit / FEWEST:
        result.note(answer)
    return answer.seconds


def together(
    ways: list[Act], running: Running, seconds: float
) -> tuple[Counter[tuple[int, str]], float]:
    """How many answers of which status and outcome, and how many a second, when all clients ask
    again and again.

    What is on its way at the end is waited for.
    """
    connections = [running.connect() for _ in ways]
    begin = time.monotonic()

    def client(number: int) -> Counter:
        done: Counter = Counter()
        while time.monotonic() < begin + seconds:
            answer = ways[number](connections[number])
            done[answer.status, answer.outcome] += 1
        return done

    with ThreadPoolExecutor(len(ways)) as pool:
        done: Counter = sum(pool.map(client, range(len(ways))), Counter())
    elapsed = time.monotonic() - begin
    for connection in connections:
        connection.close()
    return done, done.total() / elapsed


def acts(case: Case, running: Running) -> list[Act]:
    """What each client does, again and again."""
    path = case.paths[running.peer.site]
    if case.edits:
        return [editing(path.format(pk=pk)) for pk in edited(CLIENTS)]
    paths = cycle([path.format(pk=pk) for pk in edited(IN_TURN)] if "{pk}" in path else [path])
    return [lambda connection: connection.get(next(paths))] * CLIENTS


def editing(path: str) -> Act:
    """Loads the form, changes the first name, and sends it: the answer is that of the POST alone."""
    names = cycle(["Alma", "Blake", "Casey", "Devon", "Ellis"])

    def act(connection: Connection) -> Answer:
        page = connection.get(path)
        if page.status != 200:
            return page
        fields = [field for field in form_with("first_name", page.page) if field[0] != "first_name"]
        return connection.post(path, [*fields, ("first_name", f"Robin {next(names)}")])

    return act
