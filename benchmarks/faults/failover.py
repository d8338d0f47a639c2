"""bin/bench --failover: a team at work while the host of the PostgreSQL primary is lost, twice."""

import argparse
import time
from contextlib import ExitStack
from typing import Any

from django.db import connection

from benchmarks.faults.patroni import Cluster, is_writable
from benchmarks.faults.report import Fault, Figures, fault_report
from benchmarks.faults.run import (
    PEOPLE,
    WARM_SECONDS,
    allow_large_jobs,
    at_work,
    check_everything,
    has_begun,
    has_ended,
    make_people,
    say,
    start_job,
)
from benchmarks.faults.site import (
    Frontend,
    site_environment,
    site_folder,
    start_nginx,
    start_web,
    start_worker,
)
from benchmarks.faults.team import Person
from benchmarks.faults.valkey import Valkey
from benchmarks.report import Report
from tests.processes import until
from tests.servers import free_port
from users.audit.models import AuditEvent
from users.jobs.models import Job

FAILOVERS = 2
# After which people work on the server that has taken over, with a standby again.
SETTLED_SECONDS = 10


def measure_failover(
    options: argparse.Namespace, cluster: Cluster, url: str, conditions: dict[str, Any]
) -> Report:
    allow_large_jobs()
    with ExitStack() as stack:
        frontend = run_frontend(url, stack)
        people = make_people(frontend, stack)
        figures = run_failovers(options.rate, cluster, url, people)
    more = {"people": PEOPLE, "requests a second asked for": options.rate}
    return fault_report(conditions | more, figures)


def run_frontend(url: str, stack: ExitStack) -> Frontend:
    """Starts nginx, two web and two worker processes and Valkey, which reach the primary by URL."""
    folder = site_folder(stack)
    ports = [free_port(), free_port()]
    environment = site_environment(url, Valkey(folder, stack).url)
    for port in ports:
        start_web(port, environment, folder, stack)
    for number in (1, 2):
        start_worker(number, environment, folder, stack)
    return Frontend(folder, start_nginx(ports, folder, stack))


def run_failovers(rate: float, cluster: Cluster, url: str, people: list[Person]) -> Figures:
    newest = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    figures = Figures()
    jobs: list[Job] = []
    begin = time.monotonic()
    with at_work(people, rate, figures.idle):
        time.sleep(WARM_SECONDS)
        for _ in range(FAILOVERS):
            figures.faults.append(fail_over(cluster, url, jobs))
            until(cluster.is_complete, 300)
            time.sleep(SETTLED_SECONDS)
    figures.elapsed = time.monotonic() - begin
    until(lambda: all(map(has_ended, jobs)), 300)
    check_everything(figures, people, jobs, newest or 0)
    return figures


def fail_over(cluster: Cluster, url: str, jobs: list[Job]) -> Fault:
    """Kills the host of the primary in a bulk job. Returns when clients reach a primary again."""
    jobs.append(start_job())
    until(lambda: has_begun(jobs[-1]), 60)
    lost = cluster.primary()
    say(f"The host of {lost.name} is lost")
    fault = Fault("PostgreSQL primary, in a bulk job", time.monotonic(), 0)
    lost.kill()
    until(lambda: cluster.other(lost).has_role("primary"), 120)
    until(lambda: is_writable(url), 60)
    fault.back_at = time.monotonic()
    # That of this process was to the server that is lost.
    connection.close()
    return fault
