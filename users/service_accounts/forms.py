"""The forms of service accounts."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group

from users import identifiers
from users.models import User
from users.usernames import normalise_username
from users.web.forms import (
    GroupsField,
    NormalisedField,
    TextField,
    TicketForm,
    VersionField,
    reason_field,
)
from users.web.moment_field import MomentField

REASON_HELP = "Visible in the audit trail."


def owner_field() -> TextField:
    return TextField(
        max_length=identifiers.USERNAME_MAX,
        label="Owner",
        help_text="Username of a colleague. The account stops when they are no longer staff.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )


def end_field() -> MomentField:
    return MomentField(
        label="End date",
        help_text=f"At most {settings.SERVICE_MAX_DAYS:,} days ahead. You can change it later.",
    )


class ServiceForm(TicketForm):
    """A new service account. It offers the roles that its author may give it."""

    name = NormalisedField(
        identifiers.normalise_name,
        max_length=identifiers.NAME_MAX,
        label="Name",
        help_text="What it does, such as Nightly sync.",
    )
    username = NormalisedField(
        normalise_username,
        max_length=identifiers.USERNAME_MAX,
        label="Username",
        help_text="Letters, digits and @ . + - _",
    )
    owner = owner_field()
    groups = GroupsField(
        Group.objects.order_by("id"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Roles",
        help_text="Its tokens can do at most what these roles can do.",
    )
    reason = reason_field(help_text=REASON_HELP)
    field_order = ("name", "username", "owner", "ends_at", "groups", "reason")

    def __init__(self, *args: Any, offered: list[Group], **kwargs: Any):
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["ends_at"] = end_field()
        fields["groups"].widget.choices = [(group.pk, group.name) for group in offered]
        names = [*self.field_order]
        if "ticket" in fields:
            names.append("ticket")
        self.order_fields(names)


class ServiceChangeForm(TicketForm):
    """The owner and the end of a service account."""

    owner = owner_field()
    reason = reason_field(help_text=REASON_HELP)
    version = VersionField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["ends_at"] = end_field()
        self.order_fields(["owner", "ends_at", "reason", "ticket", "version"])


class ServiceEndForm(TicketForm):
    reason = reason_field(help_text=REASON_HELP)
    version = VersionField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)


def change_initial(account: User, owner: User | None) -> dict[str, Any]:
    """Returns the initial values of a ServiceChangeForm."""
    return {
        "owner": owner.username if owner else "",
        "ends_at": account.valid_until,
        "version": account.version,
    }
