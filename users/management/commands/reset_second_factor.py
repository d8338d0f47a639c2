"""manage.py reset_second_factor: removes the second factors of an account that nobody else can
help, such as the last administrator's.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from users.access import CommandActor
from users.email_addresses import identifier_key
from users.exceptions import VerbRefused
from users.models import User
from users.verbs.second_factor_reset.verb import reset_second_factor

ACTOR = CommandActor("reset_second_factor")


class Command(BaseCommand):
    help = "Removes all second factors of one account, and ends its sessions."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="for the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"]
        account = User.objects.filter(username=identifier_key(username)).first()
        if account is None:
            raise CommandError(f"No account has the username {username}.")
        try:
            reset_second_factor(account, by=ACTOR, reason=options["reason"])
        except VerbRefused as refused:
            raise CommandError(refused.message) from refused
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"Second factor of {username} reset. All sessions ended.")
