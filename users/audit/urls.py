from django.urls import path

from users.audit import retention_views
from users.audit.feeds import views as feed_views
from users.audit.trail import event_page, views
from users.audit.tree import log_views
from users.audit.tree import views as tree_views
from users.audit.verification import views as verification_views

urlpatterns = [
    path("", views.index, name="audit"),
    path("filters/", views.filters, name="audit-filters"),
    path("count/", views.event_count, name="audit-count"),
    path("<int:pk>/", event_page.show, name="audit-event"),
    path("<int:pk>/proof/", tree_views.download_proof, name="audit-proof"),
    path("checkpoints/", tree_views.list_checkpoints, name="audit-checkpoints"),
    path("checkpoints/<int:pk>/", tree_views.download_checkpoint, name="audit-checkpoint"),
    path("key/", tree_views.show_keys, name="audit-keys"),
    path("log/checkpoint", log_views.show_log_checkpoint, name="audit-log-checkpoint"),
    path("log/tile/<path:path>", log_views.show_tile, name="audit-log-tile"),
    path("verification/", verification_views.list_runs, name="audit-verification"),
    path("feeds/", feed_views.list_feeds, name="audit-feeds"),
    path("feeds/replay/", feed_views.resend_dead_letters, name="audit-feeds-replay"),
    path("retention/", retention_views.removed_values, name="audit-retention"),
]
