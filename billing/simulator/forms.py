"""Form bodies with brackets, as Stripe's SDK sends them, to nested dicts."""

import re
from urllib.parse import parse_qsl

from .errors import malformed

KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def decode(text: str) -> dict:
    """`a[b][0]=c` → `{"a": {"b": {"0": "c"}}}`.

    Lists stay dicts with numbered keys: only the parameter's type tells a list from metadata whose
    keys happen to be digits.
    """
    tree: dict = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        match = KEY.match(key)
        if not match:
            raise malformed(f"Invalid parameter name: {key}", code="parameter_unknown", param=key)
        steps = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        node = tree
        for step in steps[:-1]:
            step = step or str(len(node))
            child = node.setdefault(step, {})
            if not isinstance(child, dict):
                raise malformed(f"Conflicting values for {key}", param=key)
            node = child
        node[steps[-1] or str(len(node))] = value
    return tree
