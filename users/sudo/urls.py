from django.urls import path

from users.sudo import views

urlpatterns = [
    path("", views.sudo_page, name="sudo"),
    path("code/", views.sudo_code, name="sudo-code"),
    path("passkey/", views.sudo_passkey, name="sudo-passkey"),
    path("passkey/options/", views.sudo_passkey_options, name="sudo-passkey-options"),
    path("oidc/", views.sudo_oidc, name="sudo-oidc"),
    path("end/", views.sudo_end, name="sudo-end"),
]
