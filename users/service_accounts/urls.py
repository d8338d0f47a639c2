from django.urls import path

from users.service_accounts import views

urlpatterns = [
    path("", views.index, name="services"),
    path("new/", views.new, name="service-new"),
    path("<int:pk>/", views.show, name="service"),
    path("<int:pk>/edit/", views.edit, name="service-edit"),
    path("<int:pk>/end/", views.end, name="service-end"),
    path("<int:pk>/tokens/new/", views.new_service_token, name="service-token-new"),
]
