from django.urls import path

from users.me import (
    oidc_views,
    parts,
    second_factor_views,
    session_views,
    token_views,
    use_views,
    views,
)
from users.signin.views import PasswordChangeView

urlpatterns = [
    path("shortcuts/", views.keyboard_shortcuts, name="me-shortcuts"),
    path("", views.own_profile, name="me"),
    path("parts/", parts.page_parts, name="me-parts"),
    path("use/", use_views.own_use, name="me-use"),
    path("sessions/", session_views.own_sessions, name="me-sessions"),
    path("sessions/end/", session_views.own_sessions_end, name="me-sessions-end"),
    path("sessions/<uuid:public_id>/end/", session_views.own_session_end, name="me-session-end"),
    path("tokens/", token_views.own_tokens, name="me-tokens"),
    path("tokens/new/", token_views.own_token_new, name="me-token-new"),
    path(
        "tokens/<int:pk>/revocation/",
        token_views.own_token_revocation,
        name="me-token-revocation",
    ),
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
    path("single-sign-on/", oidc_views.own_oidc_link, name="me-oidc"),
    path("single-sign-on/link/", oidc_views.own_oidc_link_start, name="me-oidc-link"),
    path("single-sign-on/end/", oidc_views.own_oidc_link_end, name="me-oidc-end"),
    path("password/", PasswordChangeView.as_view(), name="account_change_password"),
]
