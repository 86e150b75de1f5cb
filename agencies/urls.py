"""Addresses of this room, below /api/v1."""

from django.urls import path

from agencies import self_governing_views, views

CLAIMS = "agencies/<uuid:agency_id>/self-governing-claims"

urlpatterns = [
    path("agencies", views.Agencies.as_view()),
    path("agencies/<uuid:agency_id>", views.OneAgency.as_view()),
    path(CLAIMS, self_governing_views.SelfGoverningClaims.as_view()),
    path(f"{CLAIMS}/<uuid:claim_id>/approve", self_governing_views.ApproveClaim.as_view()),
    path(f"{CLAIMS}/<uuid:claim_id>/withdraw", self_governing_views.WithdrawClaim.as_view()),
    path("code-lists/<slug:name>", views.CodeList.as_view()),
]
