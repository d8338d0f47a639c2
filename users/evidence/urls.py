from django.urls import path

from users.evidence import views

urlpatterns = [path("export/", views.event_export, name="audit-export")]
