"""Invite a person, and send an invitation again."""

from django.urls import path

from users.models import State
from users.verbs.declaration import Verb
from users.verbs.invitation.page import invitation_page, invite_page
from users.verbs.invitation.verb import INVITATION_OBSTACLES, resend_invitation

INVITE_AGAIN = Verb(
    name="invite_again",
    path="invitation/",
    action="invite",
    permission="invite_user",
    permission_label="Can invite people",
    roles=("Manager", "Administrator"),
    on_own_account=True,
    obstacles=INVITATION_OBSTACLES,
    event="account.invited_again",
    event_label="Invited again",
    more_events={
        "account.invited": "Invited",
        "account.invitation_accepted": "Accepted invitation",
    },
    label="Invite again",
    icon="mail",
    offered_in=(State.INVITED,),
    button_style="primary",
    change=resend_invitation,
    view=invitation_page,
    more_urls=(path("new/", invite_page, name="account-new"),),
)
