"""Measures a campaign to a million accounts: queueing, counting, and a cancellation at half.

    python -m benchmarks.campaign --accounts 10000000 --recipients 1000000

It fills a database of its own on a new PostgreSQL server, which it removes afterwards; --keep DIR
takes one that bin/bench has filled. Sending is simulated by an update, because only the rows matter
here.
"""

import argparse
import os
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from benchmarks.fill import ADMIN, fill_database
from benchmarks.server import run_postgresql

CONSENT_SQL = """UPDATE users_user SET accepts_announcements = true,
    email_verified_at = coalesce(email_verified_at, date_joined)
    WHERE status = 'active' AND date_joined >= %s"""
SENT_SQL = """UPDATE users_message SET state = 'sent', sent_at = now(), attempts = 1
    WHERE id IN (SELECT id FROM users_message WHERE letter_id = %s ORDER BY id LIMIT %s)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_200_000)
    parser.add_argument("--recipients", type=int, default=0, help="the newest N; 0: all accounts")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder of the filled database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollcall-campaign-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        kept = (options.keep or Path(folder)).resolve()
        with run_postgresql(kept / "postgresql") as url:
            fill_database(url, options.accounts, kept)
            since = joining_day(options.recipients)
            prepare_accounts(since)
            measure_campaign(f"all=1&joined_from={since}")


def joining_day(number: int) -> date:
    """Returns the day since which about so many accounts have joined; the first one for 0."""
    from users.models import User

    newest = User.objects.order_by("-date_joined").values_list("date_joined", flat=True)
    chosen = newest[number - 1 : number] if number else newest.reverse()[:1]
    return chosen[0].date()


def prepare_accounts(since: date) -> None:
    give_consent(since)
    execute_sql("VACUUM ANALYZE users_user")
    execute_sql("CHECKPOINT")


def give_consent(since: date) -> None:
    from django.db import connection, transaction

    from users.database.outside_triggers import without_outside_triggers

    with transaction.atomic(), without_outside_triggers(connection):
        execute_sql(CONSENT_SQL, since)


def execute_sql(statement: str, *params: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, list(params))


def measure_campaign(audience: str) -> None:
    from users.campaigns.counts import count_messages
    from users.models import User

    by = User.objects.get(username=ADMIN)
    campaign, queued = queue_campaign(by, audience)
    report_count("queued", campaign)
    execute_sql(SENT_SQL, campaign.letter_id, queued // 2)
    report_count("half sent", campaign)
    cancel_campaign(campaign, by)
    report_count("cancelled", campaign)
    total = count_messages(campaign.letter_id).total
    assert total == queued, (total, queued)


def queue_campaign(by: Any, audience: str) -> tuple[Any, int]:
    """Queues the messages with one worker. Returns the campaign and their number."""
    from users.jobs import worker

    campaign, job = start_campaign(by, audience)
    busy = cpu_seconds()
    started = time.monotonic()
    while worker.work_time_slice() is not None:
        pass
    seconds = time.monotonic() - started
    busy = cpu_seconds() - busy
    job.refresh_from_db()
    rate = job.unchanged / seconds
    print(f"{job.selected:,} selected, {job.unchanged:,} queued, {job.skipped:,} skipped")
    print(f"{seconds:.1f} s, {rate:,.0f} queued a second; {busy:.1f} s of CPU")
    campaign.refresh_from_db()
    return campaign, job.unchanged


def start_campaign(by: Any, audience: str) -> tuple[Any, Any]:
    """Returns a campaign to the accounts of a filter, and its job, which nobody needs to approve
    here.
    """
    from users.bulk.selection_count import SelectionCount
    from users.campaigns import lifecycle
    from users.campaigns.audience import read_audience
    from users.jobs.models import Job

    values = {"name": "Bench", "query": audience, "subject": "News", "text": "Dear {name}"}
    options = dict.fromkeys(("not_before", "hours", "per_minute"))
    campaign = lifecycle.create_campaign(by=by, values=values | options)
    selection = read_audience(campaign.query, by)
    draft = Job(parameters={"campaign": campaign.pk})
    count = SelectionCount(1, exact=False)
    job = lifecycle.start_campaign(campaign, selection, count, by=by, draft=draft)
    Job.objects.filter(pk=job.pk).update(state="queued", frozen="")
    return campaign, job


def cpu_seconds() -> float:
    """Returns the CPU time of this process and of its connection's process on the server. Unlike
    the time that passes, it does not depend on what else the machine does.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pids = [os.getpid(), cursor.fetchone()[0]]
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


def cancel_campaign(campaign: Any, by: Any) -> None:
    from users.campaigns import lifecycle, tasks

    started = time.monotonic()
    lifecycle.cancel_campaign(campaign, by=by)
    print(f"cancelled in {1000 * (time.monotonic() - started):.0f} ms")
    started = time.monotonic()
    runs = 0
    while tasks.unsent_messages(campaign.letter_id).exists():
        tasks.update_campaigns()
        runs += 1
    print(f"dropped in {time.monotonic() - started:.1f} s, by {runs} runs of the task")


def report_count(name: str, campaign: Any) -> None:
    from users.campaigns.counts import count_messages

    started = time.monotonic()
    found = count_messages(campaign.letter_id)
    milliseconds = 1000 * (time.monotonic() - started)
    print(f"{name}: counted in {milliseconds:.0f} ms, {found.rows}")


if __name__ == "__main__":
    main()
