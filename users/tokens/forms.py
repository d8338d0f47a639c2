"""The forms of API tokens."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.text import capfirst

from users import access
from users.email_addresses import normalise_email
from users.identifiers import SOURCE_MAX, normalise_source
from users.models import User
from users.role_grants import administrator_roles
from users.tokens.changes import TokenLimits
from users.tokens.models import NAME_MAX, ApiToken, ProvisioningScope
from users.tokens.networks import NetworksField
from users.tokens.scopes import held_scopes, scope_label
from users.web.forms import (
    GroupsField,
    NormalisedField,
    TextField,
    TicketForm,
    reason_field,
)

USUAL_DAYS = 90
MAX_RATE = 100_000
MAX_DOMAINS = 100
DOMAINS_MAX = 10_000


class TokenForm(forms.Form):
    """A new token. It offers the permissions that its holder has."""

    name = TextField(
        max_length=NAME_MAX,
        label="Name",
        help_text="The program that uses it, such as Nightly sync.",
    )
    scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        label="Permissions",
        error_messages={"required": "Choose at least one permission."},
    )
    days = forms.IntegerField(
        min_value=1,
        label="Days until it expires",
    )
    networks = NetworksField(
        label="Allowed networks",
        help_text="One per line, such as 192.0.2.0/24. Leave empty to allow all.",
    )
    rate = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_RATE,
        label="Requests per minute",
    )

    def __init__(self, *args: Any, holder: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        choices = [(name, capfirst(scope_label(name))) for name in held_scopes(holder)]
        fields["scopes"].choices = choices
        fields["days"].initial = min(USUAL_DAYS, settings.TOKEN_MAX_DAYS)
        fields["days"].help_text = f"1 to {settings.TOKEN_MAX_DAYS:,}."
        usual = settings.TOKEN_REQUESTS_PER_MINUTE
        fields["rate"].help_text = f"Leave empty for the default of {usual:,}."

    def values(self) -> dict[str, Any]:
        """Returns the arguments of create_token."""
        limits = TokenLimits(
            scopes=self.cleaned_data["scopes"],
            networks=self.cleaned_data["networks"],
            rate=self.cleaned_data["rate"],
        )
        own = {name: self.cleaned_data[name] for name in ("name", "days")}
        return own | {"limits": limits}


class RevocationForm(TicketForm):
    reason = reason_field(required=False, help_text="Visible in the audit trail.")


class ProvisioningForm(forms.Form):
    """The accounts that a token may create and change for another system, and their roles."""

    source = NormalisedField(
        normalise_source,
        required=False,
        max_length=SOURCE_MAX,
        label="Source",
        help_text="The name of the other system, such as hr. Leave empty for no provisioning.",
    )
    domains = TextField(
        required=False,
        max_length=DOMAINS_MAX,
        label="Email domains",
        help_text="One per line. Accounts need an address in one of them. Leave empty for all.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
    )
    roles = GroupsField(
        Group.objects.order_by("id"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Roles it may grant",
    )

    def __init__(self, *args: Any, offered: list[Group], **kwargs: Any):
        super().__init__(*args, **kwargs)
        choices = [(group.pk, group.name) for group in offered]
        self.fields["roles"].widget.choices = choices  # type: ignore[attr-defined]
        if not offered:
            self.fields["roles"].help_text = "There are no roles that it may grant."

    def clean_domains(self) -> list[str]:
        words = self.cleaned_data["domains"].replace(",", " ").split()
        domains = list(dict.fromkeys(map(normalise_domain, words)))
        if len(domains) > MAX_DOMAINS:
            raise ValidationError(f"Enter at most {MAX_DOMAINS} domains.", code="too_many")
        return domains

    def values(self) -> dict[str, Any]:
        """Returns the arguments of change_provisioning."""
        source: str = self.cleaned_data["source"]
        if not source:
            return {"provisioning": None}
        scope = ProvisioningScope(
            source=source,
            domains=tuple(self.cleaned_data["domains"]),
            role_ids=tuple(group.pk for group in self.cleaned_data["roles"]),
        )
        return {"provisioning": scope}


def provisioning_initial(token: ApiToken) -> dict[str, Any]:
    """Returns the initial values of a ProvisioningForm."""
    scope = token.provisioning_scope
    if scope is None:
        return {}
    return {
        "source": scope.source,
        "domains": "\n".join(scope.domains),
        "roles": list(scope.role_ids),
    }


def grantable_ordinary_roles(viewer: Any) -> list[Group]:
    """Returns the roles that the viewer may grant, except administrator roles."""
    found = []
    groups = list(Group.objects.order_by("id"))
    powerful = administrator_roles(groups)
    for group in groups:
        refusal = access.grant_refusal(viewer, groups=[group], is_staff=False, is_superuser=False)
        if refusal is None and group not in powerful:
            found.append(group)
    return found


def normalise_domain(text: str) -> str:
    """Returns a domain as stored with addresses. Raises ValidationError."""
    try:
        return normalise_email(f"someone@{text.removeprefix('@')}").rpartition("@")[2]
    except ValidationError as error:
        message = f"{text[:60]} is not a domain. Enter one such as example.com."
        raise ValidationError(message, code="invalid") from error
