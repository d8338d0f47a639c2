"""The URLs of the application: one include for each room."""

from django.conf import settings
from django.urls import include, path

demo = [path("", include("users.demo.urls"))] if settings.DEMO_SIGN_IN else []
urlpatterns = [
    # The first, since Django tries one pattern after another, and these pages are opened most.
    path("users/", include("users.directory.urls")),
    path("users/", include("users.account.urls")),
    path("users/", include("users.verbs.urls")),
    path("users/", include("users.presence.urls")),
    path("me/", include("users.me.urls")),
    *demo,
    path("", include("users.dashboard.urls")),
    path("", include("users.health.urls")),
    path("", include("users.metrics.urls")),
    path("", include("users.signin.urls")),
    path("", include("users.webhooks.ssf_urls")),
    path("scim/v2/", include("users.scim.urls")),
    path("sudo/", include("users.sudo.urls")),
    path("unsubscribe/", include("users.mail.unsubscription_urls")),
    path("mail/", include("users.mail.urls")),
    path("", include("users.bulk.urls")),
    path("audit/", include("users.audit.urls")),
    path("audit/", include("users.evidence.urls")),
    path("jobs/", include("users.jobs.urls")),
    path("mail/templates/", include("users.campaigns.template_urls")),
    path("mail/", include("users.campaigns.urls")),
    path("staff/provisioning/", include("users.scim.log_urls")),
    path("staff/webhooks/", include("users.webhooks.urls")),
    path("staff/reviews/", include("users.staff.reviews.urls")),
    path("staff/tokens/", include("users.tokens.urls")),
    path("staff/services/", include("users.service_accounts.urls")),
    path("staff/links/", include("users.staff.links.urls")),
    path("staff/meter/", include("users.staff.meter.urls")),
    path("staff/", include("users.staff.urls")),
    path("api/", include("users.api.urls")),
    path("exports/", include("users.transfer.exports.urls")),
    path("imports/", include("users.transfer.imports.urls")),
]
