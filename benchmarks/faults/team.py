"""People of a support team, each with accounts of their own, who check every answer: whether it is
the page, and whether it has what they wrote before.
"""

import http.client
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from benchmarks.faults.site import Frontend
from tests.deploy.nginx import HOST

NAMES = ["anna", "garcia", "schmidt", "gmail", "olsen", "kovac", "dupont", "silva", "nowak", "lee"]
TABS = ["activity", "history", "sign-ins", "mail", "notes"]
HTMX = {"HX-Request": "true", "HX-Target": "results"}
FIELD = re.compile(r'name="(csrfmiddlewaretoken|version)" value="([^"]+)"')
STATE = re.compile(r'<span class="state [^>]*>\s*(\w+)')
# Without an answer of the site: nginx, a process or the database was away.
FAILED = {0, 502, 503, 504}


@dataclass(frozen=True)
class Outcome:
    """A request: what was done, when by the monotonic clock, and what was wrong with the answer."""

    name: str
    begin: float
    seconds: float
    status: int
    fault: str = ""

    @property
    def has_failed(self) -> bool:
        return self.status in FAILED


@dataclass
class Account:
    """An account that one person alone changes, and what its pages must show."""

    pk: int
    username: str
    # Unknown after a change without an answer.
    state: str = "Active"
    # The texts of notes that were confirmed, and of those without an answer.
    notes: list[str] = field(default_factory=list)
    doubtful_notes: list[str] = field(default_factory=list)
    # Numbers of confirmed changes and of those without an answer, by audit action.
    changes: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    doubtful_changes: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    retry_after: str = ""


class Person:
    """One signed-in browser, which keeps a connection."""

    def __init__(self, site: Frontend, number: int, cookies: str, accounts: list[Account]):
        self.site = site
        self.number = number
        self.cookies = SimpleCookie(cookies)
        self.accounts = accounts
        self.chance = random.Random(number)
        self.outcomes: list[Outcome] = []
        self.connection: http.client.HTTPConnection | None = None
        self.due = 0.0
        self.rate = 1.0

    def work(self, rate: float, stop: threading.Event) -> None:
        """Sends about `rate` requests a second until `stop` is set."""
        self.rate = rate
        self.due = time.monotonic() + self.chance.uniform(0, 1 / rate)
        tasks: list[Callable[[], None]] = []
        for task, weight in self.tasks().items():
            tasks += [task] * weight
        while not stop.is_set():
            self.chance.choice(tasks)()

    def tasks(self) -> dict[Callable[[], None], int]:
        """Returns the tasks of benchmarks/locustfile.py with their weights."""
        return {
            self.type_search: 4,
            self.open_account: 6,
            self.open_tab: 3,
            self.browse: 1,
            self.write_note: 2,
            self.change_state: 2,
        }

    # --- tasks ------------------------------------------------------------------------------------

    def type_search(self) -> None:
        term = self.chance.choice(NAMES)
        for end in range(2, len(term) + 1, 2):
            self.get(f"/users/?q={term[:end]}", "search", 'id="results"', headers=HTMX)

    def open_account(self) -> None:
        self.see_state(self.chance.choice(self.accounts))

    def open_tab(self) -> None:
        account, tab = self.chance.choice(self.accounts), self.chance.choice(TABS)
        self.get(f"/users/{account.pk}/{tab}/", "tab", account.username)

    def browse(self) -> None:
        self.get("/users/", "list", 'id="results"')
        self.get("/audit/", "trail", "<h1")
        self.get("/jobs/", "jobs", "<h1")

    def write_note(self) -> None:
        account = self.chance.choice(self.accounts)
        path = f"/users/{account.pk}/notes/"
        fields = self.fields(path)
        if not fields:
            return
        text = f"Called back {self.number}-{time.monotonic_ns()}"
        status = self.post(path, fields | {"text": text}, "note")
        if status == 302:
            account.notes.append(text)
        elif status in FAILED:
            account.doubtful_notes.append(text)
        self.get(path, "own note", *account.notes[-3:])

    def change_state(self) -> None:
        account = self.chance.choice(self.accounts)
        verb = "suspension/" if account.state != "Suspended" else "suspension/end/"
        action = "account.suspended" if verb == "suspension/" else "account.reinstated"
        path = f"/users/{account.pk}/{verb}"
        fields = self.fields(path)
        if "version" not in fields:
            self.see_state(account)
            return
        status = self.post(path, fields | {"reason": "Load"}, "change")
        if status == 302:
            account.changes[action] += 1
            account.state = "Suspended" if verb == "suspension/" else "Active"
        elif status in FAILED:
            account.doubtful_changes[action] += 1
            account.state = ""
        self.see_state(account)
        self.find_state(account)

    # --- checks -----------------------------------------------------------------------------------

    def see_state(self, account: Account) -> None:
        """Opens the page of an account, which must show the state that this person has set."""
        answer = self.ask("GET", f"/users/{account.pk}/")
        found = STATE.search(answer.text)
        fault = self.page_fault(answer, account.username)
        if not fault and answer.status == 200:
            state = found[1] if found else ""
            if account.state and state != account.state:
                fault = f"stale: {state} instead of {account.state}"
            account.state = account.state or state
        self.note("account", answer, fault)

    def find_state(self, account: Account) -> None:
        """Searches for the account; the list must show its state."""
        answer = self.ask("GET", f"/users/?{urlencode({'q': account.username})}", headers=HTMX)
        fault = self.page_fault(answer, account.username)
        row = answer.text.partition(f'href="/users/{account.pk}/"')[2]
        found = STATE.search(row)
        if not fault and answer.status == 200 and account.state:
            state = found[1] if found else ""
            if state != account.state:
                fault = f"stale: {state} instead of {account.state} in the list"
        self.note("own search", answer, fault)

    def get(self, path: str, name: str, *texts: str, headers: dict | None = None) -> Answer:
        answer = self.ask("GET", path, headers=headers)
        self.note(name, answer, self.page_fault(answer, *texts))
        return answer

    def page_fault(self, answer: Answer, *texts: str) -> str:
        """Returns what is wrong with a page; a page without an answer has failed, and is not."""
        if answer.status in FAILED:
            return ""
        if answer.status != 200:
            return f"wrong: status {answer.status}"
        missing = [text for text in texts if text not in answer.text]
        if missing:
            kind = "stale" if missing[0].startswith("Called back") else "wrong"
            return f"{kind}: no {missing[0]}"
        return ""

    def fields(self, path: str) -> dict[str, str]:
        """Returns the hidden fields of a form; none if the page says why it is not possible."""
        answer = self.ask("GET", path)
        is_expected = answer.status in {200, 403, 409} | FAILED
        self.note("form", answer, "" if is_expected else f"wrong: status {answer.status}")
        return dict(FIELD.findall(answer.text)) if answer.status == 200 else {}

    def post(self, path: str, fields: dict[str, str], name: str) -> int:
        answer = self.ask("POST", path, body=urlencode(fields))
        is_expected = answer.status in {302, 409} | FAILED
        self.note(name, answer, "" if is_expected else f"wrong: status {answer.status}")
        return answer.status

    def note(self, name: str, answer: Answer, fault: str) -> None:
        outcome = Outcome(
            name=name,
            begin=self.begin,
            seconds=time.monotonic() - self.begin,
            status=answer.status,
            fault=fault,
        )
        self.outcomes.append(outcome)

    # --- HTTP -------------------------------------------------------------------------------------

    def ask(
        self, method: str, path: str, *, body: str | None = None, headers: dict | None = None
    ) -> Answer:
        """Sends a request when it is due. Without an answer the status is 0."""
        self.wait_until_due()
        self.begin = time.monotonic()
        cookies = "; ".join(f"{name}={item.value}" for name, item in self.cookies.items())
        sent = {"Host": HOST, "Cookie": cookies, "Origin": f"https://{HOST}"} | (headers or {})
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection = self.connection or self.connect()
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            self.connection = None
            return Answer(0, "")
        if response.will_close:
            self.connection = None
        for cookie in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        hint = response.headers.get("Retry-After", "")
        return Answer(response.status, text.replace("<wbr>", ""), hint)

    def connect(self) -> http.client.HTTPConnection:
        self.connection = http.client.HTTPConnection(HOST)
        self.connection.sock = self.site.connect()
        return self.connection

    def wait_until_due(self) -> None:
        self.due += self.chance.expovariate(self.rate)
        now = time.monotonic()
        # After a long wait it does not catch up.
        self.due = max(self.due, now - 1)
        time.sleep(max(self.due - now, 0))
