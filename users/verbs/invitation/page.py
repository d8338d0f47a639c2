"""The pages that invite a person and send an invitation again."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.shortcuts import redirect, render

from users import access
from users.audit.privileged_fields import record_privileged_fields
from users.sudo.recent import require_sudo
from users.typed_text import isolate_text
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.invitation.verb import INVITATION_OBSTACLES, invite_user, resend_invitation
from users.verbs.obstacles import refuse_before_form
from users.verbs.profile.page import ProfileForm
from users.verbs.roles.approval import approval_sentence
from users.verbs.roles.page import RoleFieldsForm
from users.web.account_lookup import get_account
from users.web.forms import add_ticket_field, form_page, form_status, reason_field

REASON_HELP = "Required for roles and access levels. Not visible to the user."
NO_REASON = "Enter a reason for the roles or the access level."


class InviteForm(ProfileForm):
    """The form that invites a person. `with_roles`: whether it has the fields of roles too, and of
    a reason for them.
    """

    version = None  # type: ignore[assignment]
    field_order = ("email", "username")

    def __init__(self, *args, with_roles: bool, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True
        self.fields["username"].help_text = "Letters, digits and @ . + - _"
        if with_roles:
            self.fields |= RoleFieldsForm().fields
            del self.fields["version"]
            self.fields["reason"] = reason_field(required=False, help_text=REASON_HELP)
            add_ticket_field(self)

    def clean(self):
        """Accepts missing fields as empty, because a new account has no values to clear. Roles need
        a reason.
        """
        if self.gives_access and not self.cleaned_data.get("reason"):
            self.add_error("reason", ValidationError(NO_REASON, code="required"))
        return self.cleaned_data

    @property
    def gives_access(self) -> bool:
        """Whether the form gives a role or an access level."""
        names = ("groups", "is_staff", "is_superuser")
        return any(self.cleaned_data.get(name) for name in names)


@form_page
def invite_page(request):
    access.require(request.user, "invite")
    with_roles = access.may(request.user, "assign_roles")
    form = bind_form(request, InviteForm, "invite", with_roles=with_roles)
    if form.is_valid() and form.gives_access:
        require_sudo(request, "assign_roles")
    if account := submit_form(form, invite_user, by=request.user):
        name = isolate_text(account.display_name)
        email = isolate_text(account.email)
        text = f"{name} invited. Invitation to {email} queued."
        text = f"{text} {approval_sentence(account)}".rstrip()
        if access.lacks_effect(account, account.groups.all()):
            text = f"{text} {access.NO_EFFECT}"
        messages.success(request, text)
        return redirect("account", account.pk)
    return render(request, "users/verbs/invite.html", {"form": form}, status=form_status(form))


@form_page
def invitation_page(request, pk: int):
    account = get_account(request, "invite", pk)
    refuse_before_form(request, account, INVITATION_OBSTACLES)
    if request.method != "POST":
        return render(request, "users/verbs/invitation.html", {"account": account})
    record_privileged_fields(request, "invite", account)
    resend_invitation(account, by=request.user)
    messages.success(request, f"Invitation to {isolate_text(account.email)} queued again.")
    return redirect("account", pk)
