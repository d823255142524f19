"""What a request says about chargers that are away."""

from datetime import timedelta

from rest_framework import serializers

from stations import commands


class Waiting(serializers.Serializer):
    """`if_offline` “wait” keeps a call for a charger that is away, for `expires_in` seconds (a day)."""

    if_offline = serializers.ChoiceField(choices=["fail", "wait"], default="fail")
    expires_in = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=int(commands.LONGEST_WAIT.total_seconds()),
        help_text="Seconds; only with if_offline “wait”.",
    )

    def validate(self, fields):
        """Adds `keep_for`."""
        waits, seconds = fields.pop("if_offline") == "wait", fields.pop("expires_in", None)
        if seconds is not None and not waits:
            raise serializers.ValidationError({"expires_in": "Only a call that waits can expire."})
        usual = commands.USUAL_WAIT
        fields["keep_for"] = (timedelta(seconds=seconds) if seconds else usual) if waits else None
        return fields
