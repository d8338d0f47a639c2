from django.urls import path

from users.webhooks import views

urlpatterns = [
    path("", views.index, name="staff-webhooks"),
    path("new/", views.new, name="staff-webhook-new"),
    path("<int:pk>/", views.show, name="staff-webhook"),
    path("<int:pk>/edit/", views.edit, name="staff-webhook-edit"),
    path("<int:pk>/secret/", views.rotate, name="staff-webhook-secret"),
    path("<int:pk>/delete/", views.delete, name="staff-webhook-delete"),
    path("<int:pk>/pause/", views.pause, name="staff-webhook-pause"),
    path("<int:pk>/resume/", views.resume, name="staff-webhook-resume"),
    path("<int:pk>/test/", views.send_test_delivery, name="staff-webhook-test"),
    path("<int:pk>/replay/", views.replay, name="staff-webhook-replay"),
    path(
        "<int:pk>/deliveries/<int:number>/",
        views.show_delivery,
        name="staff-webhook-delivery",
    ),
    path(
        "<int:pk>/deliveries/<int:number>/replay/",
        views.replay_delivery,
        name="staff-webhook-delivery-replay",
    ),
]
