"""Sends batches of deliveries to one receiver: those about one account in order, those about
different accounts at the same time. It does not use the database, so it can run in threads.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from queue import Empty, LifoQueue
from threading import Lock

from users.database.clock import current_time
from users.outbound.addresses import AddressPolicy
from users.outbound.http_sender import HttpSender, PostAnswer
from users.outbound.streams import failure_text
from users.webhooks.models import WebhookDelivery

CONNECTIONS = 8
# For a complete request, including the response.
REQUEST_SECONDS = 10
# After this time no request of a batch begins, so that the batch ends before the claim does.
BATCH_SECONDS = 20
# Failures in a row after which nothing is sent to the receiver for a while.
FAILURES_IN_A_ROW = 5
GONE = 410
# With these, Retry-After says when the receiver wants the next request.
BUSY = {429, 503}

Request = Callable[[WebhookDelivery], tuple[str, dict[str, str]]]


@dataclass(frozen=True)
class DeliveryOutcome:
    """The result of an attempt. `status` is 0 without an answer."""

    delivery: WebhookDelivery
    at: datetime
    status: int = 0
    milliseconds: int = 0
    head: str = ""
    retry_after: str = ""
    error: str = ""

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


class BatchSender:
    """Sends batches over the connections to one receiver."""

    def __init__(self, url: str, policy: AddressPolicy) -> None:
        self.url = url
        self.policy = policy
        self.threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="webhook")
        # The last used one first, so that no more connections stay open than are needed.
        self.idle: LifoQueue[HttpSender] = LifoQueue()
        self.lock = Lock()
        self.begin()

    def begin(self) -> None:
        self.outcomes: list[DeliveryOutcome] = []
        self.failures = 0
        self.is_stopped = False
        self.deadline = time.monotonic() + BATCH_SECONDS

    def send_batch(
        self,
        groups: list[list[WebhookDelivery]],
        make_request: Request,
        when_done: Callable[[], None],
    ) -> None:
        """Starts to send. The deliveries of a group are sent in order until one fails.
        `make_request` returns body and headers. `when_done` is called in one of the threads.
        """
        self.begin()
        self.open_groups = len(groups)
        for group in groups:
            self.threads.submit(self.send_group, group, make_request, when_done)

    def send_group(
        self,
        group: list[WebhookDelivery],
        make_request: Request,
        when_done: Callable[[], None],
    ) -> None:
        try:
            for delivery in group:
                if self.is_stopped or time.monotonic() > self.deadline:
                    break
                if not self.record_outcome(self.send(delivery, make_request)):
                    break
        finally:
            with self.lock:
                self.open_groups -= 1
                is_last = not self.open_groups
            if is_last:
                when_done()

    def send(self, delivery: WebhookDelivery, make_request: Request) -> DeliveryOutcome:
        """Returns the outcome of one request. Errors are outcomes too and are not raised."""
        try:
            body, headers = make_request(delivery)
            answer = self.post(body, headers)
        except (OSError, HTTPException) as error:
            return DeliveryOutcome(delivery, current_time(), error=failure_text(error))
        except Exception as error:
            text = f"the request could not be created ({type(error).__name__})"
            return DeliveryOutcome(delivery, current_time(), error=text)
        return DeliveryOutcome(
            delivery,
            current_time(),
            status=answer.status,
            milliseconds=answer.milliseconds,
            head=answer.head,
            retry_after=answer.retry_after if answer.status in BUSY else "",
            error=status_text(answer.status),
        )

    def post(self, body: str, headers: dict[str, str]) -> PostAnswer:
        sender = self.take_sender()
        try:
            return sender.post(body, headers, REQUEST_SECONDS)
        finally:
            self.idle.put(sender)

    def take_sender(self) -> HttpSender:
        try:
            return self.idle.get_nowait()
        except Empty:
            return HttpSender(self.url, self.policy)

    def record_outcome(self, outcome: DeliveryOutcome) -> bool:
        """Stores an outcome, and stops the batch if the receiver fails. Returns
        whether it was a success.
        """
        with self.lock:
            self.outcomes.append(outcome)
            if outcome.succeeded:
                self.failures = 0
                return True
            self.failures += 1
            is_refused = outcome.status == GONE or bool(outcome.retry_after)
            if is_refused or self.failures >= FAILURES_IN_A_ROW:
                self.is_stopped = True
        return False

    def close(self) -> None:
        """Closes the connections. Requests that still run end with their time limit."""
        self.is_stopped = True
        self.threads.shutdown(wait=False, cancel_futures=True)
        while True:
            try:
                self.idle.get_nowait().close()
            except Empty:
                return


def status_text(status: int) -> str:
    """Returns a status as an error text; "" for a success."""
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"answered with status {status}: redirects are not followed"
    if status == GONE:
        return "answered with status 410 (Gone)"
    return f"answered with status {status}"
