"""bin/bench --mix: the throughput of a support team's mix, with one and with two web processes.

Locust (benchmarks/locustfile.py) simulates the team. It shares the machine with the servers.
"""

import argparse
import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.extra_packages import ROOT, install_packages
from benchmarks.peers import Peer, Running, run_server
from benchmarks.report import Report, condition_lines, markdown_table

LOCUST = ROOT / ".venv" / "load"
REQUIREMENTS = ROOT / "benchmarks" / "requirements-load.txt"
TEAM = 150
SECONDS = 30
PROCESSES = (1, 2)
HEADS = ["web processes", "requests", "/s", "median ms", "p95 ms", "failed"]
Figures = dict[str, str]


def measure_mix(options: argparse.Namespace, rollcall: Peer, conditions: dict[str, Any]) -> Report:
    # Beside the packages of the tests, which would load its pytest plugin.
    install_packages(REQUIREMENTS, LOCUST)
    results = {}
    for number in PROCESSES:
        variables = rollcall.environment | {"WEB_CONCURRENCY": str(number)}
        peer = replace(rollcall, environment=variables)
        with run_server(peer, options.keep, False) as running:
            results[number] = run_team(running, options.keep / f"mix-{number}")
    return mix_report(conditions, results)


def run_team(rollcall: Running, prefix: Path) -> list[Figures]:
    """Returns the figures of each kind of request, and last those of all of them."""
    command = [sys.executable, "-m", "locust", "-f", "benchmarks/locustfile.py", "--headless"]
    command += ["--host", f"http://localhost:{rollcall.port}", "--users", str(TEAM)]
    command += ["--spawn-rate", str(TEAM), "--run-time", f"{SECONDS}s", "--csv", str(prefix)]
    command += ["--only-summary", "--exit-code-on-error", "0"]
    environment = os.environ | {"PYTHONPATH": str(LOCUST), "COOKIES": rollcall.cookies}
    quiet = subprocess.DEVNULL
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=quiet, stderr=quiet)
    with Path(f"{prefix}_stats.csv").open() as file:
        return list(csv.DictReader(file))


def mix_report(conditions: dict[str, Any], results: dict[int, list[Figures]]) -> Report:
    lines = []
    for number, figures in results.items():
        lines += [[str(number), *figure_cells(each)] for each in figures]
    table = markdown_table(HEADS, lines)
    note = f"{TEAM} simulated people for {SECONDS} s, on the same machine as the servers."
    text = "\n\n".join([condition_lines(conditions), table, note])
    return Report(text, {"conditions": conditions, "mix": results})


def figure_cells(figures: Figures) -> list[str]:
    name = "all" if figures["Name"] == "Aggregated" else figures["Name"]
    rate = f"{float(figures['Requests/s']):.1f}"
    times = [figures["50%"], figures["95%"]]
    return [name, rate, *times, figures["Failure Count"]]
