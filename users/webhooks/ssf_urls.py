from django.urls import path

from users.webhooks import ssf_views

urlpatterns = [
    path(
        ".well-known/ssf-configuration",
        ssf_views.transmitter_configuration,
        name="ssf-configuration",
    ),
    path("ssf/jwks.json", ssf_views.show_public_keys, name="ssf-keys"),
    path("ssf/streams/", ssf_views.show_stream, name="ssf-streams"),
    path("ssf/streams/<int:pk>/", ssf_views.show_stream, name="ssf-stream"),
    path("ssf/streams/<int:pk>/poll/", ssf_views.poll_stream, name="ssf-poll"),
    path("ssf/verification/", ssf_views.verify_stream, name="ssf-verification"),
]
