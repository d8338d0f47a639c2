from django.urls import include, path

from users.api import views
from users.api.gateway import api_endpoint
from users.api.operations import served_patterns

urlpatterns = [
    path("", views.index, name="api"),
    path("openapi.json", views.openapi_file, name="api-file"),
    path("v1/openapi.json", api_endpoint(views.openapi_answer), name="api-openapi"),
    path("v1/", include(served_patterns())),
]
