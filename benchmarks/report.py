"""The report of the cases, and the parts that all reports share."""

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


def case_report(
    conditions: dict[str, Any],
    floor: dict[str, float],
    peers: list[Peer],
    rows: list[tuple[Case, Results]],
) -> Report:
    heads = ["case"]
    for peer in peers:
        heads += [f"{peer.label}: median", "p95", "/s", "q", "KB"]
    heads += [f"{peer.label} / Rollcall" for peer in peers[1:]]
    heads.append("faults")
    lines = []
    for case, results in rows:
        ratio_cells = ratios(peers, results)
        lines.append([case.name, *cells(peers, results), *ratio_cells, faults(peers, results)])
    floors = ", ".join(f"{name} {1000 * value:.2f} ms" for name, value in floor.items())
    keyset = f"Floor, the keyset query alone: {floors}"
    parts = [condition_lines(conditions), markdown_table(heads, lines), NOTES, keyset]
    data: dict[str, Any] = {"conditions": conditions}
    data["floor_ms"] = {name: round(1000 * value, 3) for name, value in floor.items()}
    data["cases"] = [case_data(case, results) for case, results in rows]
    return Report("\n\n".join(parts), data)


NOTES = """Times are milliseconds from the first byte sent to the last received, one request at a
time, the peers in turn: median and 95th percentile; (n) if there were only n requests instead of
30. /s: answers per second to 8 clients (an edit is a form and its POST); – if one request takes
more than 3 s. q: queries, for Rollcall once its caches have the page. KB: the page as sent to a
client that accepts br and gzip. × n: the peer's median is n times Rollcall's. Faults: answers that
are not the requested page, and so are not counted; status 0 is no answer."""


def condition_lines(conditions: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in conditions.items())


def cells(peers: list[Peer], results: Results) -> list[str]:
    return [cell for peer in peers for cell in figures(results.get(peer.name))]


def figures(result: Result | None) -> list[str]:
    if result is None or not result.seconds:
        return [NONE] * 5
    fewer = f" ({len(result.seconds)})" if len(result.seconds) < 30 else ""
    rate = NONE if result.per_second is None else three_digits(result.per_second)
    queries = NONE if result.queries is None else str(result.queries)
    return [
        three_digits(1000 * result.median) + fewer,
        three_digits(1000 * result.p95),
        rate,
        queries,
        f"{result.bytes / 1024:.0f}",
    ]


def three_digits(value: float) -> str:
    """Formats a figure with three digits: more would differ from run to run."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def ratios(peers: list[Peer], results: Results) -> list[str]:
    ours = results[peers[0].name]
    found = []
    for peer in peers[1:]:
        result = results.get(peer.name)
        if result and result.seconds and ours.seconds:
            found.append(f"× {three_digits(result.median / ours.median)}")
        else:
            found.append(NONE)
    return found


def faults(peers: list[Peer], results: Results) -> str:
    words = []
    for peer in peers:
        if peer.name in results:
            for fault, number in results[peer.name].faults.items():
                words.append(f"{peer.label} {number} × {fault}")
    return "; ".join(words)


def markdown_table(heads: list[str], lines: list[list[str]]) -> str:
    """Returns an aligned table whose first column is left-aligned, the others right-aligned."""
    columns = zip(heads, *lines, strict=True)
    widths = [max(3, *map(len, column)) for column in columns]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(line(row, widths) for row in [heads, rule, *lines])


def line(row: list[str], widths: list[int]) -> str:
    numbers = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return f"| {' | '.join([row[0].ljust(widths[0]), *numbers])} |"


def case_data(case: Case, results: Results) -> dict[str, Any]:
    peers = {name: result_data(result) for name, result in results.items()}
    return {"case": case.name, "peers": peers}


def result_data(result: Result) -> dict[str, Any]:
    statuses = {str(status): number for status, number in result.statuses.items()}
    return {
        **result_times(result),
        "repeats": len(result.seconds),
        "per_second": result.per_second and round(result.per_second, 1),
        "queries": result.queries,
        "queries_first": result.queries_first,
        "bytes": result.bytes,
        "statuses": statuses,
        "faults": dict(result.faults),
    }


def result_times(result: Result) -> dict[str, float | None]:
    """Returns median and 95th percentile in milliseconds; None where nothing was measured."""
    if not result.seconds:
        return {"median_ms": None, "p95_ms": None}
    return {
        "median_ms": round(1000 * result.median, 3),
        "p95_ms": round(1000 * result.p95, 3),
    }
