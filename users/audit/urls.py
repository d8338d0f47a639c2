from django.urls import path

from users.audit.trail import event_page, views

urlpatterns = [
    path("", views.index, name="audit"),
    path("filters/", views.filters, name="audit-filters"),
    path("count/", views.event_count, name="audit-count"),
    path("<int:pk>/", event_page.show, name="audit-event"),
]
