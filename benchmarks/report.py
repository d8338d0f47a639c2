"""The report of a run: a table for people, and data."""

from dataclasses import dataclass
from typing import Any

from benchmarks.cases import Case
from benchmarks.measure import Result, Results
from benchmarks.peers import Peer

NONE = "–"


@dataclass(frozen=True)
class Report:
    text: str
    data: dict[str, Any]


def report(
    conditions: dict[str, Any],
    floor: dict[str, float],
    peers: list[Peer],
    rows: list[tuple[Case, Results]],
) -> Report:
    heads = [
        "case",
        *(head for peer in peers for head in columns(peer)),
        *(ratio_head(peer) for peer in peers[1:]),
        "faults",
    ]
    lines = [
        [case.name, *cells(peers, results), *ratios(peers, results), faults(peers, results)]
        for case, results in rows
    ]
    floors = ", ".join(f"{name} {1000 * value:.2f} ms" for name, value in floor.items())
    keyset = f"Floor, the keyset query alone: {floors}"
    parts = [listing(conditions), table(heads, lines), NOTES, keyset]
    data = {
        "conditions": conditions,
        "floor_ms": {name: round(1000 * value, 3) for name, value in floor.items()},
        "cases": [
            {"case": case.name, "peers": {name: plain(result) for name, result in results.items()}}
            for case, results in rows
        ],
    }
    return Report("\n\n".join(parts), data)


NOTES = """Times are milliseconds from the first byte sent to the last received, one request at a
time, the peers in turn: median and 95th percentile; (n) where there were only n requests instead of
30. /s: answers per second to 8 clients, of edits a form and its POST; – where one request takes
more than 3 s. q: queries, of Rollcall when its caches have the page. KB: the page as sent to a
client that takes br and gzip. × n: the peer's median is n times Rollcall's. Faults: answers other
than 200 and 302; 0 is none at all."""


def listing(conditions: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in conditions.items())


def columns(peer: Peer) -> list[str]:
    return [f"{peer.label}: median", "p95", "/s", "q", "KB"]


def cells(peers: list[Peer], results: Results) -> list[str]:
    return [cell for peer in peers for cell in figures(results.get(peer.name))]


def figures(result: Result | None) -> list[str]:
    if result is None:
        return [NONE] * 5
    fewer = f" ({len(result.seconds)})" if len(result.seconds) < 30 else ""
    rate = NONE if result.per_second is None else short(result.per_second)
    queries = NONE if result.queries is None else str(result.queries)
    return [
        short(1000 * result.median) + fewer,
        short(1000 * result.p95),
        rate,
        queries,
        f"{result.bytes / 1024:.0f}",
    ]


def short(value: float) -> str:
    """A figure with three digits, as many as repeat from run to run."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio_head(peer: Peer) -> str:
    return f"{peer.label} / Rollcall"


def ratios(peers: list[Peer], results: Results) -> list[str]:
    ours = results[peers[0].name].median
    return [
        f"× {short(results[peer.name].median / ours)}" if peer.name in results else NONE
        for peer in peers[1:]
    ]


def faults(peers: list[Peer], results: Results) -> str:
    words = []
    for peer in peers:
        if peer.name in results:
            for status, number in results[peer.name].faults.items():
                words.append(f"{peer.label} {number} × {status}")
    return "; ".join(words)


def table(heads: list[str], lines: list[list[str]]) -> str:
    """A table in aligned Markdown: the first column to the left, figures to the right."""
    columns = zip(heads, *lines, strict=True)
    widths = [max(3, *map(len, column)) for column in columns]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(line(row, widths) for row in [heads, rule, *lines])


def line(row: list[str], widths: list[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
    return f"| {' | '.join(cells)} |"


def plain(result: Result) -> dict[str, Any]:
    return {
        "median_ms": round(1000 * result.median, 3),
        "p95_ms": round(1000 * result.p95, 3),
        "repeats": len(result.seconds),
        "per_second": result.per_second and round(result.per_second, 1),
        "queries": result.queries,
        "queries_first": result.queries_first,
        "bytes": result.bytes,
        "statuses": {str(status): number for status, number in result.statuses.items()},
    }
