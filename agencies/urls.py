"""Addresses of this room, below /api/v1."""

from django.urls import path

from agencies import views

urlpatterns = [
    path("agencies", views.Agencies.as_view()),
    path("agencies/<uuid:agency_id>", views.OneAgency.as_view()),
    path("code-lists/<slug:name>", views.CodeList.as_view()),
]
