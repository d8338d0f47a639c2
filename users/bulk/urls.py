from django.urls import path

from users.bulk import job_views, selection_views, views

urlpatterns = [
    path("users/selection/", selection_views.selection, name="directory-selection"),
    path("users/bulk/<slug:noun>/", views.bulk, name="bulk"),
    path("users/bulk/<slug:noun>/sample/", views.sample, name="bulk-sample"),
    path("jobs/<int:pk>/undo/", job_views.undo, name="job-undo"),
    path("jobs/<int:pk>/approval/", job_views.approval, name="job-approval"),
    path("jobs/<int:pk>/refusal/", job_views.refusal, name="job-refusal"),
]
