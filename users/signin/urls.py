"""The URLs of signing in and out, which use django-allauth's views with our templates."""

from allauth.account import views
from django.urls import path, re_path

from users.signin.email_views import email_confirmation
from users.signin.oidc_views import oidc_callback, oidc_login
from users.signin.passkey_views import passkey_login, passkey_options
from users.signin.second_factor_views import second_step, second_step_options
from users.signin.views import LoginView, LogoutView, PasswordChooseView, PasswordResetView

urlpatterns = [
    path("login/", LoginView.as_view(), name="account_login"),
    path("login/2fa/", second_step, name="mfa_authenticate"),
    path("login/2fa/options/", second_step_options, name="second-step-options"),
    path("login/passkey/", passkey_login, name="passkey-login"),
    path("login/passkey/options/", passkey_options, name="passkey-options"),
    path("login/oidc/", oidc_login, name="oidc-login"),
    path("login/oidc/callback/", oidc_callback, name="oidc-callback"),
    path("logout/", LogoutView.as_view(), name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    # allauth needs the URL. Its page says that sign-up is closed.
    path("signup/", views.signup, name="account_signup"),
    path("password/reset/", PasswordResetView.as_view(), name="account_reset_password"),
    path("password/reset/sent/", views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/choose/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[0-9A-Za-z-]{1,120})/$",
        PasswordChooseView.as_view(),
        name="account_reset_password_from_key",
    ),
    re_path(
        r"^email/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[0-9A-Za-z-]{1,120})/$",
        email_confirmation,
        name="email-confirmation",
    ),
    path(
        "password/chosen/",
        views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]
