"""Addresses of this room, below /api/v1."""

from django.urls import path

from agencies import duty_views, self_governing_views, views
from agencies.notifications import views as notifications

CLAIMS = "agencies/<uuid:agency_id>/self-governing-claims"
ENDPOINTS = "notifications/endpoints"
DELIVERIES = "notifications/deliveries"

urlpatterns = [
    path("agencies", views.Agencies.as_view()),
    path("agencies/<uuid:agency_id>", views.OneAgency.as_view()),
    path("agencies/<uuid:agency_id>/duty-contact", duty_views.DutyContact.as_view()),
    path(CLAIMS, self_governing_views.SelfGoverningClaims.as_view()),
    path(f"{CLAIMS}/<uuid:claim_id>/approve", self_governing_views.ApproveClaim.as_view()),
    path(f"{CLAIMS}/<uuid:claim_id>/withdraw", self_governing_views.WithdrawClaim.as_view()),
    path("events", notifications.Events.as_view()),
    path(ENDPOINTS, notifications.Endpoints.as_view()),
    path(f"{ENDPOINTS}/<uuid:endpoint_id>", notifications.OneEndpoint.as_view()),
    path(f"{ENDPOINTS}/<uuid:endpoint_id>/rotate-secret", notifications.RotateSecret.as_view()),
    path(f"{ENDPOINTS}/<uuid:endpoint_id>/enable", notifications.EnableEndpoint.as_view()),
    path(f"{ENDPOINTS}/<uuid:endpoint_id>/test", notifications.TryEndpoint.as_view()),
    path(f"{ENDPOINTS}/<uuid:endpoint_id>/replay", notifications.ReplaySince.as_view()),
    path(DELIVERIES, notifications.Deliveries.as_view()),
    path(f"{DELIVERIES}/<uuid:delivery_id>/replay", notifications.ReplayDelivery.as_view()),
    path("code-lists/<slug:name>", views.CodeList.as_view()),
]
