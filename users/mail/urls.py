from django.urls import path

from users.mail import suppression_views, webhooks

urlpatterns = [
    path("events/<slug:provider>/", webhooks.receive_events, name="mail-events"),
    path("suppressions/", suppression_views.index, name="suppressions"),
    path("suppressions/lookup/", suppression_views.lookup, name="suppression-lookup"),
    path("suppressions/new/", suppression_views.new, name="suppression-new"),
    path("suppressions/import/", suppression_views.import_file, name="suppression-import"),
    path("suppressions/<int:pk>/end/", suppression_views.end, name="suppression-end"),
]
