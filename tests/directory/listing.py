"""The list of the directory as tests read it."""

from datetime import timedelta

from django.utils import timezone

from tests.pages import Element, read
from users.models import User

PATH = "/users/"


HTMX = {"HX-Request": "true", "HX-Target": "results"}


def make_many(count: int, **fields) -> None:
    """Accounts name0 … in the order of their names, each a minute younger than the one before."""
    now = timezone.now()
    accounts = [
        User(username=f"name{number:03}", email=f"name{number:03}@example.com", **fields)
        for number in range(count)
    ]
    for number, account in enumerate(accounts):
        account.date_joined = now - timedelta(days=30) + timedelta(minutes=number)
        account.derive()
    User.objects.bulk_create(accounts)


def get(client, query: str = "", **headers: str):
    return client.get(PATH + query, headers=headers)


def rows(response) -> list[Element]:
    bodies = read(response).all("tbody")
    return [row for body in bodies for row in body.all("tr")]


def usernames(response) -> list[str]:
    """From top to bottom. Accounts without a name show their username as the link."""
    return [row.all("a")[0].text for row in rows(response)]


def step(response, name: str) -> str:
    """The address behind Next, Previous, First or Last; "" where there is none."""
    links = read(response).all("a", data_page=name)
    return links[0].attributes["href"] if links else ""
