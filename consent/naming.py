"""
What the ledger calls a person: a commitment under their own key, so that whoever is erased is named nowhere any more.

Entries hold this name and never the person's id. `vault` computes it; here is only when which name is used.
"""

from uuid import UUID

from audit.facts import Subject as Named
from audit.hashing import keyed
from consent import vault
from consent.models import Subject


def in_the_ledger(subject_id: UUID) -> Named:
    """
    Return a person as an entry names them: by their commitment, and by a keyed hash where they are erased or unknown.

    So a name in the ledger does not say whether there is such a person, and after an erasure not who it was.
    """
    person = Subject.objects.filter(pk=subject_id).first()
    if person is not None and person.erased_at is None and not person.ledger_name:  # registered before there were names
        person.ledger_name = vault.commitment(person.id)
        person.save(update_fields=["ledger_name"])
    name = person.ledger_name if person else ""
    return Named("subject", name or keyed("unnamed-subject", subject_id.bytes))
