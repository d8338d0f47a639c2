from django.urls import path

from users.audit import views

urlpatterns = [path("", views.index, name="audit")]
