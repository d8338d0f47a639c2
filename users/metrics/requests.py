"""Counts requests: how many of each view, how long they took, how many queries they needed."""

from collections.abc import Mapping
from typing import Any

from users.metrics.registry import CHILDREN, define_counter, define_histogram

# The label of a response that no view gave: a redirect to https, a file, a wrong address.
NO_VIEW = "none"
REQUESTS = define_counter(
    "rollcall_requests_total", "Responses by view and status.", ["view", "status"]
)
SECONDS = define_histogram(
    "rollcall_request_duration_seconds",
    "Time from the request to its response.",
    ["view"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
QUERIES = define_histogram(
    "rollcall_request_queries",
    "Statements that a request sent to the database.",
    ["view"],
    buckets=(0, 1, 2, 3, 5, 8, 13, 21, 34, 55),
)
CACHE_READS = define_counter(
    "rollcall_cache_reads_total",
    "Cache reads by layer and outcome.",
    ["layer", "outcome"],
)


def observe_request(
    view: str, status: int, seconds: float, queries: int, reads: Mapping[tuple[str, str], int]
) -> None:
    """Counts a request. `reads`: the number of reads of a cache, by layer and outcome."""
    children = CHILDREN.get((view, status)) or find_children(view, status)
    children[0].inc()
    children[1].observe(seconds)
    children[2].observe(queries)
    for read, number in reads.items():
        child = CHILDREN.get(read)
        if child is None:
            child = CHILDREN[read] = CACHE_READS.labels(*read)
        child.inc(number)


def find_children(view: str, status: int) -> tuple[Any, Any, Any]:
    """Returns the metrics of a view and status, which are looked up once."""
    found = (REQUESTS.labels(view, status), SECONDS.labels(view), QUERIES.labels(view))
    CHILDREN[view, status] = found
    return found
