"""What the outside sees of an object: private fields dropped, ids expanded on request."""

from copy import deepcopy

from .errors import malformed


def render(world, obj, expand=()) -> dict:
    """A copy of `obj` for the wire. Keys with a leading underscore are the simulator's own."""
    shown = _public(obj)
    for path in expand:
        steps = path.split(".")
        if len(steps) > 4:
            raise malformed("You cannot expand more than 4 levels of a property.", param="expand")
        _expand(world, obj, shown, steps, path)
    return shown


def _public(value):
    if isinstance(value, dict):
        return {key: _public(item) for key, item in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [_public(item) for item in value]
    return deepcopy(value)


def _expand(world, source, shown, steps, path):
    """Replace the id under the first step by its object, then go on inside it."""
    name, rest = steps[0], steps[1:]
    if name not in shown and f"_{name}" in source:
        # Some lists, such as a session's line_items, only appear when asked for.
        shown[name] = _public(source[f"_{name}"])
        rows = shown[name]["data"]
        rows[:] = [_public(world.find(row)) if isinstance(row, str) else row for row in rows]
    if name not in shown:
        raise malformed(f"This property cannot be expanded ({path}).", param="expand")
    value = shown[name]
    if isinstance(value, list):
        for index, item in enumerate(value):
            origin = world.find(item) if isinstance(item, str) else item
            if isinstance(item, str) and origin:
                value[index] = _public(origin)
            if rest and origin:
                _expand(world, world.find(value[index].get("id")) or origin, value[index], rest, path)
        return
    if isinstance(value, str):
        found = world.find(value)
        if found is None:
            raise malformed(f"This property cannot be expanded ({path}).", param="expand")
        value = shown[name] = _public(found)
    elif value is not None and not isinstance(value, dict):
        raise malformed(f"This property cannot be expanded ({path}).", param="expand")
    if rest and value is not None:
        _expand(world, world.find(value.get("id", "")) or value, value, rest, path)
