"""Requests pages and makes changes, as a web process of the previous commit would.

tests/test_previous_commit.py runs it with the code of that commit and the database of this one. It
prints a line for each answer that is not the expected one.
"""

import django
from django.test import Client

django.setup()

from users.models import User  # noqa: E402
from users.notes.models import Note  # noqa: E402

PAGES = ("", "users/", "users/?q=ada", "audit/", "jobs/", "exports/", "mail/", "staff/", "status/")
TABS = ("", "activity/", "history/", "sign-ins/", "mail/", "notes/", "edit/")


def main() -> None:
    root = User.objects.get(username="root")
    ada = User.objects.get(username="ada")
    client = Client(HTTP_HOST="localhost")
    client.force_login(root, backend="users.signin.auth_backend.Backend")
    account = f"/users/{ada.pk}/"
    for path in [f"/{page}" for page in PAGES] + [account + tab for tab in TABS]:
        expect(client.get(path), 200, path)
    expect(client.post(f"{account}notes/", {"text": "Called back"}), 302, "a note")
    form = {"reason": "Left", "duration": "", "until": "", "version": ada.version}
    expect(client.post(f"{account}suspension/", form), 302, "a suspension")
    ada.refresh_from_db()
    if ada.status != "suspended" or Note.objects.count() != 1:
        print("a change was not stored")


def expect(response, status: int, what: str) -> None:
    if response.status_code != status:
        print(f"{what}: {response.status_code}")


if __name__ == "__main__":
    main()
