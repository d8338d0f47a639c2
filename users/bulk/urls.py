from django.urls import path

from users.bulk import views

urlpatterns = [
    path("<slug:noun>/", views.bulk, name="bulk"),
    path("<slug:noun>/sample/", views.sample, name="bulk-sample"),
]
