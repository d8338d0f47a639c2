from django.urls import path

from users.bulk import job_views, selection_views, views

urlpatterns = [
    path("users/selection/", selection_views.selection_page, name="directory-selection"),
    path("users/bulk/<slug:slug>/", views.bulk_action, name="bulk"),
    path("users/bulk/<slug:slug>/sample/", views.bulk_sample, name="bulk-sample"),
    path("jobs/<int:pk>/undo/", job_views.job_undo, name="job-undo"),
    path("jobs/<int:pk>/approval/", job_views.job_approval, name="job-approval"),
    path("jobs/<int:pk>/refusal/", job_views.job_refusal, name="job-refusal"),
]
