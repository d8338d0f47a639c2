"""A small directory for the browser tests."""

from datetime import timedelta

from django.utils import timezone

from users.models import User


def make_people(count: int) -> None:
    """person000 is the newest; every tenth is suspended."""
    now = timezone.now()
    people = []
    for number in range(count):
        suspended = number % 10 == 9
        person = User(
            username=f"person{number:03}",
            email=f"person{number:03}@example.com",
            first_name=["Ada", "Grace", "Zoë"][number % 3],
            last_name=f"Number{number:03}",
            date_joined=now - timedelta(days=1, minutes=number),
            status="suspended" if suspended else "active",
            status_reason="for a test" if suspended else "",
            password="!",
        )
        person.derive()
        people.append(person)
    User.objects.bulk_create(people)
