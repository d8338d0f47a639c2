"""bin/bench from its command line to its table: every peer shows its pages, and not a page to sign
in.
"""

import json
import sys

import pytest

from tests.processes import running

PEERS = {"rollcall", "admin", "tuned", "bare"}


@pytest.mark.long(25)
@pytest.mark.postgresql
def test_all_peers_are_measured_over_accounts_with_a_past(empty_database, tmp_path):
    figures = tmp_path / "figures.json"
    options = [
        "--accounts",
        "1000",
        "--events",
        "5000",
        "--only",
        "turn",
        "--repeats",
        "2",
        "--seconds",
        "0",
        "--cold",
    ]
    places = ["--keep", str(tmp_path / "kept"), "--json", str(figures)]
    here = {"DATABASE_URL": empty_database, "STATEMENT_TIMEOUT_MS": "60000"}
    with running(
        [sys.executable, "-m", "benchmarks", *options, *places], tmp_path, **here
    ) as bench:
        assert bench.process.wait(300) == 0
    cases = json.loads(figures.read_text())["cases"]
    assert len(cases) > 5
    for case in cases:
        assert all(set(peer["statuses"]) == {"200"} for peer in case["peers"].values()), case
        assert not any(peer["faults"] for peer in case["peers"].values()), case
    assert set(cases[0]["peers"]) == PEERS
