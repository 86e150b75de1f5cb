from django.apps import AppConfig


class AgenciesConfig(AppConfig):
    name = "agencies"
    verbose_name = "Agencies"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from agencies import credentials, duty_models, models

        auditlog.register(models.Agency, exclude_fields=["self_governing_approved"])  # follows from claims alone
        auditlog.register(models.SelfGoverningClaim, exclude_fields=["idempotency_key", "body_hash"])
        auditlog.register(models.SelfGoverningApproval)
        auditlog.register(models.Membership)
        auditlog.register(duty_models.DutyContact, include_fields=["agency", "email"])
        auditlog.register(models.CodeListItem)
        of_a_client = ["agency", "name", "client_id", "scopes", "active", "certificate_bound", "previous_secret_until"]
        auditlog.register(models.Client, include_fields=of_a_client)
        auditlog.register(credentials.ClientKey, exclude_fields=["jwk"])
        auditlog.register(credentials.PersonLogin, include_fields=["user", "active"])
        auditlog.register(models.User, include_fields=["username", "is_active", "is_staff", "is_superuser"])
