"""End all sessions of an account, or one of them."""

from django.urls import path

from users.models import State
from users.verbs.declaration import Verb
from users.verbs.session_end.bulk import EndSessions
from users.verbs.session_end.page import end_session_page, end_sessions_page
from users.verbs.session_end.verb import NO_SESSION, end_sessions

END_SESSIONS = Verb(
    name="end_sessions",
    path="sessions/end/",
    action="end_sessions",
    permission="end_sessions",
    permission_label="Can end sessions",
    permission_model="session",
    roles=("Support", "Manager", "Administrator"),
    on_own_account=True,
    obstacles=(NO_SESSION,),
    event="account.sessions_ended",
    event_label="Ended all sessions",
    more_events={"account.session_ended": "Ended a session"},
    label="End all sessions",
    icon="leave",
    offered_in=(State.ACTIVE,),
    menu="Sign-in",
    change=end_sessions,
    view=end_sessions_page,
    more_urls=(
        path(
            "<int:pk>/sessions/<uuid:public_id>/end/",
            end_session_page,
            name="account-session-end",
        ),
    ),
    bulk=EndSessions,
)
