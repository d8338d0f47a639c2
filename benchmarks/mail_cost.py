"""bin/bench --mail: emails through the outbox, compared with a plain loop of Django's backend."""

import argparse
import multiprocessing
import smtplib
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.db import connections

from benchmarks.bulk_report import Figure, bulk_report
from benchmarks.mail_server import HOST, Accepted, MailServer, run_mail_server
from benchmarks.report import Report
from users.account_state import State, in_state
from users.database.clock import database_now
from users.mail.delivery import deliver_due_messages
from users.mail.message_content import compose_mail
from users.mail.models import Letter, Message
from users.models import User

EMAILS = 10_000
fork_context = multiprocessing.get_context("fork")
NOTES = """All numbers are emails in a second, from the first that the server accepts to the last.
The server is aiosmtpd in a process of its own on this machine. The plain loop builds an email of
the same text and HTML for each account, and sends it with Django's SMTP backend over one
connection, without templates and without the database. The ceiling: two processes that send bytes
which were built before. A worker is one process with one connection."""


def measure_mail(options: argparse.Namespace, conditions: dict[str, Any]) -> Report:
    clear_outbox()
    accounts = find_accounts(options.select or EMAILS)
    with run_mail_server() as server:
        settings.EMAIL_BACKEND = "users.mail.smtp_backend.SmtpBackend"
        settings.EMAIL_HOST = HOST
        settings.EMAIL_PORT = server.port
        sample = sample_mail(accounts[0])
        before = run_processes(server, [lambda: send_plain_loop(server.port, accounts, sample)])
        ceiling = run_processes(server, raw_senders(server.port, sample, len(accounts)))
        found = {kind: measure_outbox(server, accounts, kind) for kind in ("reset", "letter")}
        after = run_processes(server, [lambda: send_plain_loop(server.port, accounts, sample)])
    plain = (before.rate + after.rate) / 2
    figures = [Figure("the server’s ceiling", f"{ceiling.rate:,.0f}", data=ceiling.rate)]
    figures.append(Figure("plain loop", f"{plain:,.0f}", data=[before.rate, after.rate]))
    for kind, accepted in found.items():
        for workers, least in ((1, 0.6), (2, 1.1)):
            figures.append(outbox_figure(kind, workers, accepted[workers].rate / plain, least))
    return bulk_report(conditions | {"emails": len(accounts)}, figures, NOTES)


def outbox_figure(kind: str, workers: int, ratio: float, least: float) -> Figure:
    label = {"reset": "password resets", "letter": "a bulk letter"}[kind]
    return Figure(
        name=f"{label}, {workers} worker{'s' if workers > 1 else ''} / plain loop",
        value=f"{ratio:.2f} ×",
        target=f"at least {least} ×",
        met=ratio >= least,
        data=ratio,
    )


def clear_outbox() -> None:
    """Deletes emails that wait: a run that was interrupted leaves some."""
    Message.objects.filter(state=Message.State.WAITING).delete()


def find_accounts(number: int) -> list[User]:
    """Returns active accounts with verified addresses, by id."""
    active = User.objects.filter(in_state(State.ACTIVE), email_verified_at__isnull=False)
    return list(active.exclude(email="").order_by("pk")[:number])


def sample_mail(account: User) -> EmailMultiAlternatives:
    """Returns a password reset as the outbox sends it."""
    kind = Message.Kind.PASSWORD_RESET
    return compose_mail(Message(account=account, kind=kind, to=account.email))


def measure_outbox(server: MailServer, accounts: list[User], kind: str) -> dict[int, Accepted]:
    """Returns what the server accepted from one worker and from two."""
    found = {}
    for workers in (1, 2):
        letter = fill_outbox(accounts, kind)
        found[workers] = run_processes(server, [drain_outbox] * workers)
        states = set(Message.objects.filter(pk__gt=letter[1]).values_list("state", flat=True))
        if states != {"sent"} or len(found[workers].ids) != len(accounts):
            raise RuntimeError(f"emails are {states}, and {len(found[workers].ids)} arrived.")
        Message.objects.filter(pk__gt=letter[1]).delete()
    return found


def fill_outbox(accounts: list[User], kind: str) -> tuple[Letter | None, int]:
    """Queues an email to each account. Returns the letter, and the highest id before."""
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    letter = None
    if kind == "letter":
        text = "Dear {name},\n\n" + "This is the text of a letter. " * 10
        letter = Letter.objects.create(subject="News", text=text, is_bulk=True)
    kinds = {"reset": Message.Kind.PASSWORD_RESET, "letter": Message.Kind.LETTER}
    messages = [
        Message(
            account=account,
            kind=kinds[kind],
            to=account.email,
            letter=letter,
            is_bulk=letter is not None,
            due_at=database_now(),
        )
        for account in accounts
    ]
    Message.objects.bulk_create(messages, batch_size=2000)
    return letter, newest


def drain_outbox() -> None:
    while deliver_due_messages(seconds=600):
        pass


def send_plain_loop(port: int, accounts: list[User], sample: EmailMultiAlternatives) -> None:
    connection = EmailBackend(host=HOST, port=port)
    connection.open()
    [(html, _)] = sample.alternatives
    for account in accounts:
        mail = EmailMultiAlternatives(subject=sample.subject, body=sample.body, to=[account.email])
        mail.attach_alternative(html, "text/html")
        connection.send_messages([mail])
    connection.close()


def raw_senders(port: int, sample: EmailMultiAlternatives, number: int) -> list[Callable]:
    """Returns two functions that send `number` emails together."""
    content = sample.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]

    def send() -> None:
        with smtplib.SMTP(HOST, port) as server:
            for _ in range(number // 2):
                server.sendmail("no-reply@localhost", ["somebody@example.com"], content)

    return [send, send]


def run_processes(server: MailServer, functions: Sequence[Callable]) -> Accepted:
    """Runs each function in a process of its own. Returns what the server has accepted then."""
    server.accepted()
    connections.close_all()
    processes = [fork_context.Process(target=function) for function in functions]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    time.sleep(0.1)
    return server.accepted()
