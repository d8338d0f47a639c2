"""The form of a bulk action: what the action needs to know, and the number of accounts, typed to
confirm.
"""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from users.bulk.selection_count import SelectionCount


class CountField(forms.IntegerField):
    """Typed as it is shown or without its commas: 1,234 is 1234."""

    def to_python(self, value: Any) -> int | None:
        return super().to_python(
            value.replace(",", "").replace(" ", "") if isinstance(value, str) else value
        )


class BulkForm(forms.Form):
    """`count` and `token` are about the confirmation; everything else but the reason are parameters
    of the job.
    """

    count = CountField(
        min_value=1,
        label="Number of accounts",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    token = forms.CharField(
        required=False,
        max_length=8000,
        widget=forms.HiddenInput,
    )

    def __init__(self, *args: Any, by: Any, **kwargs: Any):
        """`by`: offers only what makes sense for them."""
        super().__init__(*args, **kwargs)
        self.by = by
        self.order_fields(
            [name for name in self.fields if name not in ("count", "token")]
        )  # those come last

    @property
    def why(self) -> str:
        return str(getattr(self, "cleaned_data", {}).get("reason", "")).strip()

    def parameters(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in ("count", "token", "reason")
        }

    @property
    def asked(self) -> list[forms.BoundField]:
        """The fields that the action asks for."""
        return [self[name] for name in self.fields if name not in ("count", "token")]

    def add_stale_error(self, then: SelectionCount | None, now: SelectionCount) -> None:
        """Adds the error of a confirmation that no longer matches: nothing is done, and the page
        shows the new figures.
        """
        was = (
            f"You confirmed {then.value:,} accounts; now there are {now.value:,}."
            if then
            else "This page has expired."
        )
        text = f"{was} Nothing has been changed. Check the figures and type the number again."
        self.add_error(None, ValidationError(text, code="stale"))

    def is_valid_without_count(self) -> bool:
        """Whether it is in order but for the number, which nobody has been asked for yet."""
        self.errors.pop("count", None)
        return not self.errors

    def set_token(self, token: str) -> None:
        """The next POST confirms what `token` says. What was typed stays, but for a number that was
        another one's.
        """
        if not self.is_bound:
            self.initial["token"] = token
            return
        again = cast(QueryDict, self.data).copy()
        again["token"] = token
        if self.has_error("__all__", "stale"):
            again["count"] = ""
        self.data = again
