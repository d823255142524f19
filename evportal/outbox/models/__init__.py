"""What is to be told, and what was: mail, messages over people's own channels, and who wants which."""

from evportal.outbox.models.channel import Channel, ChannelMessage, Wish
from evportal.outbox.models.mail import Mail, SentMail

__all__ = ["Channel", "ChannelMessage", "Mail", "SentMail", "Wish"]
