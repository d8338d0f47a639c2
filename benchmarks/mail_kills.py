"""bin/bench --mail-kills: kills workers with SIGKILL at random instants while they send, and
compares what a server has received with what the outbox says.
"""

import argparse
import multiprocessing
import random
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from typing import Any

from django.conf import settings
from django.db import connections

from benchmarks.bulk_report import Figure, bulk_report
from benchmarks.mail_cost import clear_outbox, fill_outbox, find_accounts
from benchmarks.mail_server import HOST, MailServer, run_mail_server
from benchmarks.report import Report
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message
from users.models import User

EMAILS = 5000
WORKERS = 2
# So that the emails last as long as the kills.
ANSWER_SECONDS = 0.01
fork_context = multiprocessing.get_context("fork")
NOTES = """Half of the emails are password resets, half are a bulk letter. Two workers with one
connection each send to aiosmtpd, which records what it accepts. One of them is killed with SIGKILL
at random instants and replaced at once."""


@dataclass(frozen=True)
class Result:
    """What arrived, and what the outbox says."""

    kills: int
    states: dict[tuple[bool, str], int]  # by whether it is of the letter, and by state
    lost_resets: int
    repeated_resets: int
    repeated_letters: int
    # Emails that arrived and are neither sent nor unknown, or are sent and have not arrived.
    wrong_states: int

    @property
    def is_correct(self) -> bool:
        wrong = self.lost_resets + self.repeated_letters + self.wrong_states
        return not wrong and self.repeated_resets <= self.kills


def measure_kills(options: argparse.Namespace, conditions: dict[str, Any]) -> Report:
    clear_outbox()
    result = kill_workers(find_accounts(EMAILS // 2), options.mail_kills)
    figures = [
        Figure("kills", str(result.kills)),
        Figure("password resets lost", str(result.lost_resets), "0", not result.lost_resets),
        Figure(
            name="password resets repeated, with the same Message-ID",
            value=str(result.repeated_resets),
            target="at most one a kill",
            met=result.repeated_resets <= result.kills,
        ),
        Figure(
            name="emails of the letter that came twice",
            value=str(result.repeated_letters),
            target="0",
            met=not result.repeated_letters,
        ),
        Figure("wrong states", str(result.wrong_states), "0", not result.wrong_states),
        Figure("states together", str(sum(result.states.values()))),
    ]
    for (is_bulk, state), number in sorted(result.states.items()):
        figures.append(Figure(f"{'letter' if is_bulk else 'resets'}: {state}", str(number)))
    return bulk_report(conditions, figures, NOTES)


def kill_workers(accounts: list[User], kills: int, pause: float = 0.6) -> Result:
    """Sends a password reset and a bulk letter to each account, with kills up to `pause` seconds
    apart.
    """
    with run_mail_server(ANSWER_SECONDS) as server:
        settings.EMAIL_BACKEND = "users.mail.smtp_backend.SmtpBackend"
        settings.EMAIL_HOST = HOST
        settings.EMAIL_PORT = server.port
        workers = [start_worker() for _ in range(WORKERS)]
        # One after the other, since the letter would wait for the others: half of the kills each.
        _, newest = fill_outbox(accounts, "letter")
        killed = kill_while_waiting(workers, newest, kills // 2, pause)
        fill_outbox(accounts, "reset")
        killed += kill_while_waiting(workers, newest, kills - kills // 2, pause)
        for worker in workers:
            stop_worker(worker)
        return compare_states(server, newest, killed)


def kill_while_waiting(workers: list[ForkProcess], newest: int, kills: int, pause: float) -> int:
    """Kills workers until no email waits, at most `kills` times. Returns how often."""
    killed = 0
    while is_waiting(newest):
        # An instant, and no condition.
        time.sleep(random.uniform(0, pause))
        if killed < kills:
            place = killed % WORKERS
            stop_worker(workers[place])
            workers[place] = start_worker()
            killed += 1
    return killed


def start_worker() -> ForkProcess:
    connections.close_all()
    process = fork_context.Process(target=send_for_ever)
    process.start()
    return process


def stop_worker(process: ForkProcess) -> None:
    process.kill()
    process.join()


def send_for_ever() -> None:
    while True:
        deliver_due_messages()
        time.sleep(0.1)


def is_waiting(newest: int) -> bool:
    return Message.objects.filter(pk__gt=newest, state=Message.State.WAITING).exists()


def compare_states(server: MailServer, newest: int, kills: int) -> Result:
    arrived = Counter(server.accepted().ids)
    rows = Message.objects.filter(pk__gt=newest).values_list("message_id", "is_bulk", "state")
    states: Counter[tuple[bool, str]] = Counter()
    lost = repeated_resets = repeated_letters = wrong = 0
    for message_id, is_bulk, state in rows:
        states[is_bulk, state] += 1
        number = arrived[message_id]
        lost += not is_bulk and not number
        repeated_resets += 0 if is_bulk else max(number - 1, 0)
        repeated_letters += is_bulk and number > 1
        wrong += bool(number) != (state == "sent") and state != "unknown"
    return Result(
        kills=kills,
        states=dict(states),
        lost_resets=lost,
        repeated_resets=repeated_resets,
        repeated_letters=repeated_letters,
        wrong_states=wrong,
    )
