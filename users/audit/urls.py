from django.urls import path

from users.audit import retention_views, views

urlpatterns = [
    path("", views.index, name="audit"),
    path("retention/", retention_views.removed_values, name="audit-retention"),
]
