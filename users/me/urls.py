from django.urls import path

from users.me import parts, session_views, views
from users.signin.views import PasswordChangeView

urlpatterns = [
    path("shortcuts/", views.keyboard_shortcuts, name="me-shortcuts"),
    path("", views.own_profile, name="me"),
    path("parts/", parts.page_parts, name="me-parts"),
    path("sessions/", session_views.own_sessions, name="me-sessions"),
    path("sessions/end/", session_views.own_sessions_end, name="me-sessions-end"),
    path("sessions/<uuid:public_id>/end/", session_views.own_session_end, name="me-session-end"),
    path("password/", PasswordChangeView.as_view(), name="account_change_password"),
]
