"""Forms and fields that several rooms use."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, QueryDict

from users.exceptions import EditConflict
from users.models import User

REASON_HELP = "Visible in the audit trail only, not to the user."
REASON_MAX = 2000


def posted_data(request: HttpRequest) -> QueryDict | None:
    """Returns the data of a POST, even if empty: a form with every field missing. Else None."""
    return request.POST if request.method == "POST" else None


def form_status(form: Form) -> int:
    """200 for a fresh form, 409 where the account's state objected, 422 where the input did."""
    if not form.is_bound:
        return 200
    return (
        409 if form.has_error("__all__", "stale") or form.has_error("__all__", "refused") else 422
    )


def refuse_lost_characters(value: str) -> None:
    """Nothing, or ValidationError where bytes came that are no UTF-8: Django has put U+FFFD in
    their place by now.
    """
    if "\ufffd" in value:
        raise ValidationError("This contains an unreadable character. Type it again.", code="lost")


class NormalisedField(forms.CharField):
    """Text that one function of users.identifiers brings into normal form."""

    def __init__(self, normalise, **kwargs):
        super().__init__(strip=False, validators=[refuse_lost_characters], **kwargs)
        self.normalise = normalise

    def clean(self, value):
        return self.normalise(super().clean(value))


class VersionField(forms.IntegerField):
    """Nobody types it, so whatever is wrong with it has one remedy."""

    def clean(self, value):
        try:
            return super().clean(value)
        except ValidationError as error:
            raise ValidationError(
                "The form is incomplete. Reload the page and fill it in again.",
                code="invalid",
            ) from error


class VersionedForm(forms.Form):
    """Carries the version of the account that the person saw. `stale` is set when it has changed
    since, and that matters.
    """

    version = VersionField(
        widget=forms.HiddenInput,
        min_value=1,
        max_value=2**31 - 1,
    )
    stale: EditConflict | None = None

    def clean(self):
        """A browser sends every text, an empty one too: one that didn't come is not one that
        somebody has emptied.
        """
        for name, field in self.fields.items():
            if (
                isinstance(field, NormalisedField)
                and name not in self.data
                and not self.has_error(name)
            ):
                self.add_error(
                    name,
                    ValidationError(
                        "This field is missing. Enter or choose a value.", code="missing"
                    ),
                )
        return super().clean()


class GroupsField(forms.ModelMultipleChoiceField):
    def clean(self, value):
        try:
            return super().clean(value)
        except OverflowError as error:  # SQLite, for a number that is no id on any database
            raise ValidationError("This role does not exist.", code="invalid_choice") from error


def reason_field(**kwargs: Any) -> forms.CharField:
    fields: dict[str, Any] = {"label": "Reason", "help_text": REASON_HELP} | kwargs
    area = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(
        max_length=REASON_MAX, validators=[refuse_lost_characters], widget=area, **fields
    )


def moment_field(**kwargs: Any) -> forms.DateTimeField:
    """A point in time in UTC, chosen by day and minute."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(widget=widget, **kwargs)


class VerbForm(VersionedForm):
    """`templates`: reasons to begin with, by name; `?template=name` fills one in."""

    templates: ClassVar[dict[str, str]] = {}

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return {
            "version": account.version,
            "reason": reason_text(cls.templates, query.get("template", "")),
        }

    def fit(self, account: User, viewer: Any) -> None:
        """Offers only what makes sense for this account and this viewer."""

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class ReasonForm(VerbForm):
    reason = reason_field()


class OptionalReasonForm(VerbForm):
    reason = reason_field(required=False)


class GroupsForm(VerbForm):
    groups = GroupsField(
        Group.objects.order_by("id"), widget=forms.CheckboxSelectMultiple, label="Roles"
    )
    reason = reason_field(required=False)

    def offer(self, groups: list[Group]) -> None:
        """Shows these alone. Another one that comes all the same is for the verb to refuse."""
        choices = [(group.pk, group.name) for group in groups]
        self.fields["groups"].widget.choices = choices  # type: ignore[attr-defined]
        self.nothing_to_offer = not groups


def reason_text(templates: dict[str, str], name: str) -> str:
    """The reason of that name; "" where there is none."""
    return templates.get(name, "")
