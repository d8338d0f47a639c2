from django.urls import path

from users.campaigns import control_views, email_preview, message_views, views

urlpatterns = [
    path("", views.index, name="mail"),
    path("outbox/", message_views.outbox, name="mail-outbox"),
    path("failed/", message_views.failed, name="mail-failed"),
    path("search/", message_views.search, name="mail-search"),
    path("campaigns/new/", views.campaign_new, name="campaign-new"),
    path("campaigns/<int:pk>/", views.show, name="campaign"),
    path("campaigns/<int:pk>/edit/", views.campaign_edit, name="campaign-edit"),
    path("campaigns/<int:pk>/preview/", email_preview.campaign_preview, name="campaign-preview"),
    path("campaigns/<int:pk>/messages/", message_views.campaign_messages, name="campaign-messages"),
    path("campaigns/<int:pk>/test/", control_views.campaign_test, name="campaign-test"),
    path("campaigns/<int:pk>/start/", control_views.campaign_start, name="campaign-start"),
    path("campaigns/<int:pk>/pause/", control_views.campaign_pause, name="campaign-pause"),
    path(
        "campaigns/<int:pk>/pause/end/", control_views.campaign_pause_end, name="campaign-pause-end"
    ),
    path(
        "campaigns/<int:pk>/cancellation/",
        control_views.campaign_cancellation,
        name="campaign-cancellation",
    ),
    path("campaigns/<int:pk>/retry/", control_views.campaign_retry, name="campaign-retry"),
    path("campaigns/<int:pk>/discard/", control_views.campaign_discard, name="campaign-discard"),
]
