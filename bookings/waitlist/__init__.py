"""Drivers wait in a queue for what is taken; whatever becomes free is offered to the first whom it suits."""
