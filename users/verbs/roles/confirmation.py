"""Confirms that somebody becomes an administrator, by a role or as a superuser: the form asks for a
reason, and for the username of the account.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from users.models import User
from users.role_grants import administrator_roles
from users.verbs.roles.approval import SUPERUSER
from users.web.moment_field import MomentField


def username_field() -> forms.CharField:
    field = forms.CharField(
        required=False,
        label="Username of this account",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    # The label does not say "optional", since what is chosen above decides it.
    field.conditional = True  # type: ignore[attr-defined]
    return field


def role_end_field() -> MomentField:
    return MomentField(
        required=False,
        label="Until",
        help_text="New roles end at this time. Leave empty to keep them until they are removed.",
    )


def describe_username_field(form: forms.Form, account: User, offered: Iterable[Group]) -> None:
    """Says for which of the offered roles the username has to be typed; without any, removes the
    field.
    """
    names = [group.name for group in administrator_roles(offered)]
    if "is_superuser" in form.fields and not account.is_superuser:
        names.insert(0, SUPERUSER)
    if not names:
        del form.fields["typed_username"]
        return
    form.fields["typed_username"].help_text = f"Required to grant {' or '.join(names)}."


def require_confirmation(
    form: forms.Form, account: User, groups: Iterable[Group], is_superuser: bool = False
) -> None:
    """Adds an error to the form if it makes an administrator without the username. A form without
    the field offers no such role, and the verb refuses what it does not offer.
    """
    if "typed_username" not in form.fields:
        return
    held = set(account.groups.values_list("pk", flat=True))
    granted = administrator_roles([group for group in groups if group.pk not in held])
    names = [group.name for group in granted]
    if is_superuser and not account.is_superuser:
        names.insert(0, SUPERUSER)
    if not names:
        return
    typed = form.cleaned_data.get("typed_username", "").strip()
    if typed.casefold() != account.username:
        text = f"Type {account.username} to grant {' and '.join(names)}."
        form.add_error("typed_username", ValidationError(text, code="confirm"))


def role_permissions(groups: Iterable[Group]) -> list[dict[str, Any]]:
    """Returns what each role permits, in words, for its description."""
    ids = [group.pk for group in groups]
    described = []
    for group in Group.objects.filter(pk__in=ids).order_by("id").prefetch_related("permissions"):
        permissions = [each.name for each in group.permissions.all()]
        described.append({"name": group.name, "permissions": permissions})
    return described
