"""Django's createsuperuser, with an audit event for each new account."""

from typing import Any

from django.contrib.auth.management.commands.createsuperuser import Command as DjangoCommand
from django.db import transaction

from users import access
from users.audit.record import record_event
from users.models import User
from users.verbs.superuser_notice import notify_administrators


class Command(DjangoCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            newest = User.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            super().handle(*args, **options)
            actor = access.CommandActor("createsuperuser")
            for account in User.objects.filter(pk__gt=newest, is_superuser=True):
                record_event(
                    "account.created",
                    actor=actor,
                    target=account,
                    after={
                        "username": account.username,
                        "status": account.status,
                        "is_superuser": True,
                    },
                )
                notify_administrators(account)
