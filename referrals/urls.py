"""Addresses of this room, below /api/v1. Each move has one of its own."""

from django.urls import path

from referrals import (
    attachments_views,
    break_glass_views,
    exports_views,
    findings_views,
    insight_views,
    inspection_views,
    search_views,
    tasks_views,
    views,
)
from referrals.bodies import MOVE_BODIES

urlpatterns = [
    path("referrals", views.Referrals.as_view()),
    path("referrals/batch", views.Batch.as_view()),
    path("referrals/search", search_views.ReferralSearch.as_view()),
    path("referrals/<uuid:referral_id>", views.OneReferral.as_view()),
    path("referrals/<uuid:referral_id>/amendments", views.Amendments.as_view()),
    path("referrals/<uuid:referral_id>/messages", views.Messages.as_view()),
    path("referrals/<uuid:referral_id>/attachments", attachments_views.Attachments.as_view()),
    path("referrals/<uuid:referral_id>/attachments/<uuid:attachment_id>", attachments_views.OneAttachment.as_view()),
    path("referrals/<uuid:referral_id>/attachments/<uuid:attachment_id>/content", attachments_views.Content.as_view()),
    path("referrals/<uuid:referral_id>/timeline", inspection_views.Timeline.as_view()),
    path("referrals/<uuid:referral_id>/disclosures", inspection_views.Disclosures.as_view()),
    path("referrals/<uuid:referral_id>/endangered", tasks_views.Endangered.as_view()),
    *(
        path(f"referrals/<uuid:referral_id>/{move.value.replace('_', '-')}", views.step_view(move).as_view())
        for move in MOVE_BODIES
    ),
    path("tasks", tasks_views.Tasks.as_view()),
    path("tasks/<uuid:task_id>", tasks_views.OneTask.as_view()),
    path("tasks/<uuid:task_id>/done", tasks_views.Done.as_view()),
    path("subjects/<uuid:subject_id>", insight_views.OneSubject.as_view()),
    path("subjects/<uuid:subject_id>/access-report", insight_views.AccessReport.as_view()),
    path("subjects/<uuid:subject_id>/withholdings", insight_views.Withholdings.as_view()),
    path("break-glass", break_glass_views.BreakGlass.as_view()),
    path("break-glass/<uuid:glass_id>", break_glass_views.OneBreakGlass.as_view()),
    path("break-glass/<uuid:glass_id>/review", break_glass_views.Review.as_view()),
    path("audit/entries", inspection_views.Entries.as_view()),
    path("audit/entries/search", inspection_views.EntrySearch.as_view()),
    path("audit/exports", exports_views.Exports.as_view()),
    path("audit/exports/<uuid:export_id>", exports_views.OneExport.as_view()),
    path("audit/exports/<uuid:export_id>/bundle", exports_views.Bundle.as_view()),
    path("audit/findings", findings_views.Findings.as_view()),
    path("audit/findings/search", findings_views.FindingsSearch.as_view()),
]
