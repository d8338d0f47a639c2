from django.urls import path

from users.scim import views

urlpatterns = [
    path("", views.endpoint, name="scim-root"),
    path("<path:path>", views.endpoint, name="scim"),
]
