"""Passwords and other secrets in calls and answers: none is stored or shown in the clear.

A call's row and the message log hold `MASK` in a password's place. The password itself lies encrypted on
the row until the call has been sent, and goes into the frame only as it leaves.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from functools import cache

import orjson
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

MASK = "••••••••"
KEY_16, COMPONENT, VARIABLE = "AuthorizationKey", "SecurityCtrlr", "BasicAuthPassword"
#: What of the device model may not be seen: the password, and what the codes of a 2.1 display are made with.
SECRETS = {(COMPONENT, VARIABLE), ("WebPaymentsCtrlr", "SharedSecret")}
#: A frame without any of these holds no secret that we know of.
SIGNS = (KEY_16, VARIABLE, "SharedSecret", "basicAuthPassword", "apnPassword", '"vpn"', "simPin")


def _spots(payload: dict) -> Iterator[tuple[dict, str]]:
    """Where a password may lie in any call or answer: (object, member)."""
    if payload.get("key") == KEY_16:
        yield payload, "value"
    for each in _objects(payload.get("configurationKey")):
        if each.get("key") == KEY_16:
            yield each, "value"
    for name, member in (("setVariableData", "attributeValue"), ("getVariableResult", "attributeValue")):
        for each in _objects(payload.get(name)):
            if _place(each) in SECRETS:
                yield each, member
    for each in _objects(payload.get("reportData")):
        if _place(each) in SECRETS:
            for attribute in _objects(each.get("variableAttribute")):
                yield attribute, "value"
    connection = payload.get("connectionData")
    if isinstance(connection, dict):
        yield connection, "basicAuthPassword"
        for part, members in (("apn", ("apnPassword", "simPin")), ("vpn", ("password", "key"))):
            if isinstance(connection.get(part), dict):
                for member in members:
                    yield connection[part], member


def _objects(value) -> list[dict]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _place(each: dict) -> tuple:
    component, variable = each.get("component") or {}, each.get("variable") or {}
    return component.get("name"), variable.get("name")


def take(payload: dict) -> tuple[dict, list]:
    """(the payload as it may be shown, the secrets in their order)."""
    spots = [(holder, member) for holder, member in _spots(payload) if member in holder]
    if not spots:
        return payload, []
    shown, found = copy.deepcopy(payload), []
    for holder, member in _spots(shown):
        if member in holder:
            found.append(holder[member])
            holder[member] = MASK
    return shown, found


def give_back(payload: dict, found: list) -> dict:
    """What is sent: the shown payload with its secrets in their places."""
    if not found:
        return payload
    real, left = copy.deepcopy(payload), list(found)
    for holder, member in _spots(real):
        if holder.get(member) == MASK and left:
            holder[member] = left.pop(0)
    return real


def masked(payload: dict) -> dict:
    return take(payload)[0]


def masked_frame(text: str, at: int) -> str:
    """The frame as the message log may hold it; its payload is its part number `at`."""
    if not any(sign in text for sign in SIGNS):
        return text
    try:
        frame = orjson.loads(text)
        frame[at] = masked(frame[at])
    except (ValueError, IndexError, AttributeError, TypeError):
        return text
    return orjson.dumps(frame).decode()


def new_password(payload: dict) -> str | None:
    """The password that a call gives the station to sign in with; None for any other call."""
    if payload.get("key") == KEY_16:
        return payload.get("value")
    for each in _objects(payload.get("setVariableData")):
        if _place(each) == (COMPONENT, VARIABLE) and each.get("attributeType", "Actual") == "Actual":
            return each.get("attributeValue")
    return None


@cache
def _box(key: str) -> Fernet:
    derived = HKDF(SHA256(), 32, None, b"stations.configuration.secrets").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def sealed(found: list) -> str:
    return _box(settings.SECRET_KEY).encrypt(orjson.dumps(found)).decode() if found else ""


def opened(text: str) -> list:
    return orjson.loads(_box(settings.SECRET_KEY).decrypt(text.encode())) if text else []
