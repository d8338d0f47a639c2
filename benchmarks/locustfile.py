"""A support team at work: most of the time they search as they type and open what they find.

benchmarks/team_mix.py runs it; or by hand, with COOKIES of a signed-in browser:

    COOKIES="session=…; csrf=…" PYTHONPATH=.venv/load python -m locust -f benchmarks/locustfile.py
"""

import os
import random
from typing import Any
from urllib.parse import urlencode

from locust import HttpUser, between, task

from benchmarks.team_terms import ACCOUNT, NAMES, TABS, form_fields

# Of the times at which an agent might request one, and its accounts.
BULK_SHARE = 0.2
BULK_ACCOUNTS = 5
HTMX = {"HX-Request": "true", "HX-Target": "results"}


class SupportAgent(HttpUser):
    """One signed-in person, with 0.2 to 0.6 seconds between two clicks."""

    wait_time = between(0.2, 0.6)
    accounts: list[str]

    def on_start(self) -> None:
        self.client.headers["Cookie"] = os.environ["COOKIES"]
        self.accounts = []
        self.open_list()

    def open_list(self) -> None:
        page = self.client.get("/users/", name="list").text
        self.accounts = list(set(ACCOUNT.findall(page))) or self.accounts

    @task(4)
    def type_search(self) -> None:
        """One request for each two letters, as the search box sends them."""
        term = random.choice(NAMES)
        for end in range(2, len(term) + 1, 2):
            params = {"q": term[:end]}
            answer = self.client.get("/users/", params=params, headers=HTMX, name="search")
        self.accounts = list(set(ACCOUNT.findall(answer.text))) or self.accounts

    @task(6)
    def open_account(self) -> None:
        pk = random.choice(self.accounts)
        self.client.get(f"/users/{pk}/", name="account")

    @task(3)
    def open_tab(self) -> None:
        pk, tab = random.choice(self.accounts), random.choice(TABS)
        self.client.get(f"/users/{pk}/{tab}/", name="tab")

    @task(1)
    def browse(self) -> None:
        self.open_list()
        self.client.get("/audit/", name="trail")
        self.client.get("/jobs/", name="jobs")

    @task(2)
    def write_note(self) -> None:
        path = f"/users/{random.choice(self.accounts)}/notes/"
        self.send(path, self.fields(path), "note", text="Called back")

    @task(2)
    def edit(self) -> None:
        path = f"/users/{random.choice(self.accounts)}/edit/phone/"
        fields = self.fields(path)
        if "version" in fields:
            self.send(path, fields, "edit", phone=f"+1555{random.randrange(10**7):07}")

    @task(1)
    def start_job(self) -> None:
        """Requests a bulk action now and then. A worker runs it, if there is one."""
        if random.random() > BULK_SHARE:
            return
        chosen = random.sample(self.accounts, min(BULK_ACCOUNTS, len(self.accounts)))
        path = "/users/bulk/password-change/?" + urlencode([("ids", pk) for pk in chosen])
        fields = self.fields(path)
        if "token" in fields:
            self.send(path, fields, "bulk", reason="Load")

    @task(1)
    def suspend(self) -> None:
        path = f"/users/{random.choice(self.accounts)}/suspension/"
        fields = self.fields(path)
        if "version" in fields:  # not suspended already
            self.send(path, fields, "suspend", reason="Load", duration="", until="")

    def fields(self, path: str) -> dict[str, str]:
        """Returns the hidden fields of a form, and the number of accounts that a bulk action asks
        for; none if the page says why it is not possible.
        """
        with self.client.get(path, name="form", catch_response=True) as answer:
            if answer.status_code in (200, 403, 409):
                answer.success()
            return form_fields(answer.text)

    def send(self, path: str, fields: dict[str, str], name: str, **typed: str) -> None:
        """Submits a form. That somebody else was faster (409) is no failure."""
        options: dict[str, Any] = {"name": name, "allow_redirects": False, "catch_response": True}
        with self.client.post(path, data=fields | typed, **options) as answer:
            if answer.status_code in (302, 409):
                answer.success()
            else:
                answer.failure(f"status {answer.status_code}")
