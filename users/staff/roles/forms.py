"""The forms of roles."""

from hashlib import sha256
from itertools import chain
from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import QueryDict

from users.staff.roles.changes import NAME_TAKEN
from users.staff.roles.permission_areas import permissions_by_area
from users.staff.roles.role_list import RoleEntry, declared_label
from users.web.forms import TextField, TicketForm, reason_field

NAME_MAX = 150
SUDO_MAX = 480
REASON_HELP = "Visible in the audit trail."
STALE = "Someone changed this role while you had it open. Check the permissions and try again."


class RoleForm(TicketForm):
    """A role. `held`: the codenames that its author may grant."""

    name = TextField(max_length=NAME_MAX, label="Name")
    permissions = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Holders can",
    )
    requestable = forms.BooleanField(
        required=False,
        label="Staff can request it temporarily",
    )
    approver = forms.ModelChoiceField(
        Group.objects.order_by("pk"),
        required=False,
        label="Approver of requests",
        empty_label="Everyone who may approve requests",
    )
    sudo_minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=SUDO_MAX,
        label="Duration of an identity confirmation (minutes)",
        help_text="Leave empty for the default.",
    )
    reason = reason_field(help_text=REASON_HELP)
    # The state of the role that the form was opened with, and the change that was confirmed.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    confirmed = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, held: set[str], current: RoleEntry | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.current = current
        self.fields["permissions"].choices = permission_choices(held)  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Group.objects.filter(name__iexact=name)
        if self.current is not None:
            others = others.exclude(pk=self.current.group.pk)
        if others.exists():
            raise ValidationError(NAME_TAKEN, code="taken")
        return name

    def clean(self) -> None:
        super().clean()
        if self.current and self.cleaned_data.get("seen") != role_digest(self.current):
            self.set_hidden("seen", role_digest(self.current))
            self.add_error(None, ValidationError(STALE, code="stale"))

    def set_hidden(self, name: str, value: str) -> None:
        self.data = cast(QueryDict, self.data).copy()
        self.data[name] = value

    def values(self) -> dict[str, Any]:
        """Returns the arguments of create_staff_role and change_role."""
        names = ("name", "requestable", "approver", "sudo_minutes", "reason")
        values = {name: self.cleaned_data[name] for name in names}
        return values | {"codenames": self.chosen}

    @property
    def permission_boxes(self) -> list[tuple[str, list[Any]]]:
        """The boxes of the permissions, by area."""
        boxes = {box.data["value"]: box for box in self["permissions"]}
        found = []
        for area, names in permissions_by_area(boxes).items():
            found.append((area, [boxes[name] for name in names]))
        return found

    @property
    def chosen(self) -> set[str]:
        return set(self.cleaned_data["permissions"])


def permission_choices(held: set[str]) -> list[tuple[str, str]]:
    """Returns the choices of the permissions that may be granted, in the order of their areas."""
    ordered = chain.from_iterable(permissions_by_area(held).values())
    return [(name, declared_label(name)) for name in ordered]


class RoleDeletionForm(TicketForm):
    reason = reason_field(help_text=REASON_HELP)
    typed_name = forms.CharField(
        label="Name of the role",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, group: Group, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.group = group
        self.fields["typed_name"].help_text = f"Type {group.name} to delete it."

    def clean_typed_name(self) -> str:
        typed: str = self.cleaned_data["typed_name"]
        if typed.strip().casefold() != self.group.name.casefold():
            raise ValidationError(f"That doesn’t match. Type {self.group.name}.", code="confirm")
        return typed

    def values(self) -> dict[str, Any]:
        return {"reason": self.cleaned_data["reason"]}


def role_digest(role: RoleEntry) -> str:
    """Returns a digest of the role and its settings, to notice that they have changed."""
    own = role.settings
    options = f"{own.requestable} {own.approver_id} {own.sudo_minutes}"
    return text_digest([role.group.name, *sorted(role.codenames), options])


def text_digest(texts: list[str]) -> str:
    return sha256("\n".join(texts).encode()).hexdigest()[:16]
