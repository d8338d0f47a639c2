from django.urls import path

from users.me import parts, second_factor_views, session_views, views
from users.signin.views import PasswordChangeView

urlpatterns = [
    path("shortcuts/", views.keyboard_shortcuts, name="me-shortcuts"),
    path("", views.own_profile, name="me"),
    path("parts/", parts.page_parts, name="me-parts"),
    path("sessions/", session_views.own_sessions, name="me-sessions"),
    path("sessions/end/", session_views.own_sessions_end, name="me-sessions-end"),
    path("sessions/<uuid:public_id>/end/", session_views.own_session_end, name="me-session-end"),
    path("second-factor/", second_factor_views.second_factors, name="me-factors"),
    path("second-factor/app/", second_factor_views.own_app, name="me-factor-app"),
    path("second-factor/passkeys/", second_factor_views.own_passkeys, name="me-factor-passkeys"),
    path(
        "second-factor/passkeys/options/",
        second_factor_views.own_passkey_options,
        name="me-factor-passkey-options",
    ),
    path(
        "second-factor/recovery-codes/",
        second_factor_views.own_recovery_codes,
        name="me-factor-codes",
    ),
    path(
        "second-factor/<int:pk>/removal/",
        second_factor_views.own_factor_removal,
        name="me-factor-removal",
    ),
    path("password/", PasswordChangeView.as_view(), name="account_change_password"),
]
