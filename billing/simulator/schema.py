"""Which parameters Stripe accepts, read from the SDK's own `stripe.params` types.

Deriving the rules keeps the stand-in honest: what the pinned SDK does not know is refused here just
as Stripe refuses it, and a new SDK brings its new parameters along.
"""

import re
import sys
import types
from decimal import Decimal
from functools import cache
from typing import Any, ForwardRef, Literal, NotRequired, Union, get_args, get_origin

import stripe.params
import stripe.params.checkout
from stripe import StripeObject
from stripe._request_options import RequestOptions

from .errors import malformed, not_simulated

# Known to Stripe but without effect here. Accepting them silently would let a mistake reach production.
NOT_SIMULATED = {
    "application_fee_amount",
    "confirmation_token",
    "customer_account",
    "discounts",
    "hooks",
    "managed_payments",
    "mandate",
    "on_behalf_of",
    "optional_items",
    "shipping_options",
    "source",
    "test_clock",
    "transfer_data",
}


def checked(name: str, raw: dict) -> dict:
    """The parameters `raw` as Python values, or Stripe's error for the first one that does not fit."""
    scope: Any = stripe.params
    for part in name.split("."):
        scope = getattr(scope, part)
    return _object(scope, raw, "")


@cache
def _fields(typed_dict) -> dict[str, tuple[tuple, bool]]:
    module = sys.modules[typed_dict.__module__]
    fields = {}
    for name, annotation in typed_dict.__annotations__.items():
        if name in RequestOptions.__annotations__:
            continue
        required = True
        if get_origin(annotation) is NotRequired:
            annotation, required = get_args(annotation)[0], False
        fields[name] = (_options(annotation, module), required)
    return fields


def _options(annotation, module) -> tuple:
    """A flat tuple of the alternatives in an annotation, forward references resolved."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        # The SDK writes its types as strings; they are its own code, not input.
        annotation = eval(annotation, vars(module))  # noqa: S307
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(option for part in get_args(annotation) for option in _options(part, module))
    if get_origin(annotation) is list:
        return ((list, _options(get_args(annotation)[0], module)),)
    if get_origin(annotation) is dict:
        return ((dict, _options(get_args(annotation)[1], module)),)
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, StripeObject):
        return ()  # the SDK lists it beside the plain Dict, which says the same
    return (annotation,)


def _object(typed_dict, raw, path):
    fields = _fields(typed_dict)
    values = {}
    for name, value in raw.items():
        where = f"{path}[{name}]" if path else name
        if name not in fields:
            raise malformed(f"Received unknown parameter: {where}", code="parameter_unknown", param=where)
        creating = not typed_dict.__name__.endswith("ListParams")  # lists filter by some of these names
        if not path and creating and name in NOT_SIMULATED and value != "":
            raise not_simulated(f"the parameter {where}")
        values[name] = _value(fields[name][0], value, where)
    for name, (_, required) in fields.items():
        if required and name not in raw:
            where = f"{path}[{name}]" if path else name
            raise malformed(f"Missing required param: {where}.", code="parameter_missing", param=where)
    return values


def _value(options, raw, where):
    if isinstance(raw, dict):
        return _nested(options, raw, where)
    literals = [value for option in options if get_origin(option) is Literal for value in get_args(option)]
    if raw in literals:
        return raw
    if raw == "":
        raise malformed(
            f"You passed an empty string for '{where}'. We assume empty values are an attempt to unset a "
            f"parameter; however '{where}' cannot be unset. You should remove '{where}' from your request "
            "or supply a non-empty value.",
            code="parameter_invalid_empty",
            param=where,
        )
    if bool in options and raw in ("true", "false"):
        return raw == "true"
    if int in options and re.fullmatch(r"-?\d{1,15}", raw):
        return int(raw)
    if float in options and re.fullmatch(r"-?\d+(\.\d+)?", raw):
        return float(raw)
    if Decimal in options and re.fullmatch(r"-?\d+(\.\d+)?", raw):
        return raw
    allowed = [str(value) for value in literals if value != ""]
    # The SDK adds `str` to every choice so that old clients survive new values; Stripe itself is strict.
    if str in options and not allowed:
        return raw
    if allowed:
        choices = ", ".join(allowed)
        raise malformed(f"Invalid {where}: must be one of {choices}", param=where)
    if int in options:
        raise malformed(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=where)
    if bool in options:
        raise malformed(f"Invalid boolean: {raw}", param=where)
    if any(isinstance(option, tuple) and option[0] is list for option in options):
        raise malformed("Invalid array", param=where)
    raise malformed("Invalid object", param=where)


def _nested(options, raw, where):
    for option in options:
        # Not typing.is_typeddict: the SDK makes its types with typing_extensions.
        if hasattr(option, "__required_keys__"):
            return _object(option, raw, where)
        if isinstance(option, tuple) and option[0] is list:
            if not all(key.isdigit() for key in raw):
                raise malformed("Invalid array", param=where)
            items = sorted(raw.items(), key=lambda item: int(item[0]))
            return [_value(option[1], value, f"{where}[{key}]") for key, value in items]
        if isinstance(option, tuple) and option[0] is dict:
            # Values of free dicts may be empty: that unsets a metadata key.
            return {
                key: value if value == "" else _value(option[1], value, f"{where}[{key}]")
                for key, value in raw.items()
            }
    raise malformed("Invalid string: expected a plain value", param=where)
