"""What is recorded of a model: `triggers = [*triggers.recorded(…)]` in its Meta.

The database compares the row before and after, whether it was a form, a bulk update or SQL by hand. A row
that comes without anybody at work (the demo's, a signal's) is not recorded; changes and deletions always are.
What the triggers call is in the migration `record_of_changes`; many-to-many fields have theirs beside their
tables'.
"""

from __future__ import annotations

from collections.abc import Sequence

import pgtrigger

#: The setting of a transaction that says who is at work, as JSON; see `acting`.
SETTING = "evportal.actor"


class Recorded(pgtrigger.Trigger):
    """Marks the triggers of this module among a model's."""

    when = pgtrigger.After
    declare = [("it", "RECORD")]


def recorded(
    model: str, *, operator: str, name: str, only: Sequence[str] = (), secret: Sequence[str] = ()
) -> list[Recorded]:
    """The triggers of one model, named `app.model`.

    `operator` and `name` are SQL about the row `it`: whose it is, and what people call it. `only` are the
    columns to record (and no other change fires the trigger); without them it is all that there are.
    """
    func = f"""
        IF TG_OP = 'DELETE' THEN it := OLD; ELSE it := NEW; END IF;
        PERFORM evportal_record_change(
            '{model}', it.id, {operator}, {name}, TG_OP, to_jsonb(OLD), to_jsonb(NEW),
            '{{{",".join(only)}}}', '{{{",".join(secret)}}}'
        );
        RETURN NULL;
    """
    # By the columns' own names: the condition and the record can't differ.
    differs = " OR ".join(f'OLD."{column}" IS DISTINCT FROM NEW."{column}"' for column in only)
    return [
        Recorded(
            name="changes_are_recorded",
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition(differs or "OLD.* IS DISTINCT FROM NEW.*"),
            func=func,
        ),
        Recorded(
            name="coming_and_going_is_recorded", operation=pgtrigger.Insert | pgtrigger.Delete, func=func
        ),
    ]


#: Whose a row is that hangs on a site.
OF_SITE = "(SELECT s.operator_id FROM stations_site s WHERE s.id = it.site_id)"
NAME_OF_SITE = "(SELECT s.name FROM stations_site s WHERE s.id = it.site_id)"
