"""Refusals, each with the sentence that people read."""


class Refused(Exception):
    """The portal will not do that; the message says why."""

    default = "That is not possible."

    def __init__(self, message: str = ""):
        super().__init__(message or self.default)


class ChargerOffline(Refused):
    default = "The charger is not connected right now. Try again in a minute, or use another one."


class AlreadySent(Refused):
    default = "It is not waiting any more: the charger has been told, or it is over."


class UnknownAction(Refused):
    default = "This charger's protocol has no such action."


class InvalidPayload(Refused):
    default = "The message does not fit the protocol."
