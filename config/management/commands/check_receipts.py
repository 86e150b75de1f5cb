"""
`manage.py check_receipts FILE`: which acts, for which somebody holds a signed receipt, the ledger does not have.

After a restore from an older copy: agencies send the receipts that they kept, one a line, and learn what has to be done
again. A receipt says no more than an entry's id, hash and time, so the file may pass through anyone's hands.
"""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from audit.models import Entry, Leaf
from audit.receipts import ALGORITHM

AT_ONCE = 1000


class Command(BaseCommand):
    help = "Name the receipts whose entry is not in the ledger. Ends with 1 where there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="receipts as they came in the header Receipt, one a line")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        key = OKPKey.import_key(settings.KEYS.receipts)
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        receipts, strange = [], 0
        for line in lines:
            try:
                receipts.append(json.loads(jws.deserialize_compact(line, key, algorithms=[ALGORITHM]).payload))
            except (JoseError, ValueError):
                strange += 1
        missing = []
        for start in range(0, len(receipts), AT_ONCE):
            some = receipts[start : start + AT_ONCE]
            entries = Entry.objects.filter(id__in=[each["entry"] for each in some])
            leaves = Leaf.objects.filter(leaf_hash__in=[bytes.fromhex(each["leaf"]) for each in some])
            there = {bytes(leaf) for found in (entries, leaves) for leaf in found.values_list("leaf_hash", flat=True)}
            missing += [each for each in some if bytes.fromhex(each["leaf"]) not in there]
        for each in sorted(missing, key=lambda one: str(one["at"])):
            self.stdout.write(f"missing  {each['at']}  {each['entry']}")
        said = f"{len(receipts)} receipts: {len(missing)} of entries that the ledger does not have"
        self.stdout.write(f"{said}; {strange} lines are no receipts of ours." if strange else f"{said}.")
        if missing:
            raise CommandError("What these receipts promise is not in the ledger: it was acknowledged, and is lost.")
