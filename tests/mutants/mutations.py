"""Small faults planted in a module's source, one at a time. Pure; source in, syntax trees out.

What is changed: comparisons, `and`/`or`, conditions, arithmetic, numbers, what is returned, and statements
that are left out. Words, annotations, decorators and classes' declarations are left alone: a test that
repeats them proves nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

OTHER_COMPARISON = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OTHER_ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: Left out, these change what happens; anything else would be a name that isn't there.
MAY_GO = (ast.AugAssign, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True, slots=True)
class Fault:
    """The n-th fault of a module: in a function or method, or in the table that a statement of it makes."""

    index: int
    line: int
    function: str
    statement: int
    what: str


Change = Callable[[], None]


def faults(source: str) -> list[Fault]:
    return [
        Fault(index, line, function, statement, what)
        for index, (line, function, statement, what, _) in enumerate(_changes(ast.parse(source)))
    ]


def planted(source: str, fault: Fault) -> ast.Module:
    tree = ast.parse(source)
    for index, (*_, change) in enumerate(_changes(tree)):
        if index == fault.index:
            # The walk is over: it must not meet what the change puts in.
            change()
            return ast.fix_missing_locations(tree)
    raise IndexError(fault.index)


def _changes(tree: ast.Module) -> Iterator[tuple[int, str, int, str, Change]]:
    for position, statement in enumerate(tree.body):
        for name, function in _functions(statement, ""):
            for node in _nodes(function):
                for what, change in _of(node):
                    yield getattr(node, "lineno", function.lineno), name, position, what, change
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            for node in _walk(statement.value):
                for what, change in _of(node):
                    yield getattr(node, "lineno", statement.lineno), "", position, what, change


def _functions(node: ast.stmt, inside: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    if isinstance(node, FUNCTIONS):
        yield inside + node.name, node
    elif isinstance(node, ast.ClassDef):
        for child in node.body:
            yield from _functions(child, f"{inside}{node.name}.")


def _nodes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    yield function
    for default in (*function.args.defaults, *filter(None, function.args.kw_defaults)):
        yield from _walk(default)
    for statement in function.body:
        yield from _walk(statement)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    # Formats of text are words; patterns hold names and literals that Python would not take otherwise.
    if isinstance(node, ast.JoinedStr | ast.pattern | ast.arguments | ast.ClassDef):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child)


def _of(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare():
            for index, op in enumerate(node.ops):
                other = OTHER_COMPARISON[type(op)]
                yield _swap(op, other), lambda at=index, to=other: node.ops.__setitem__(at, to())
        case ast.BoolOp():
            other = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield _swap(node.op, other), lambda: setattr(node, "op", other())
        case ast.BinOp() | ast.AugAssign() if type(node.op) in OTHER_ARITHMETIC:
            other = OTHER_ARITHMETIC[type(node.op)]
            yield _swap(node.op, other), lambda: setattr(node, "op", other())
        case ast.UnaryOp(op=ast.Not()):
            yield "no not", lambda: setattr(node, "operand", _negated(node.operand))
        case ast.UnaryOp(op=ast.USub()):
            yield "no minus", lambda: setattr(node, "op", ast.UAdd())
        case ast.Constant(value=bool() as value):
            yield f"{value} → {not value}", lambda: setattr(node, "value", not value)
        case ast.Constant(value=int() as value):
            yield f"{value} → {value + 1}", lambda: setattr(node, "value", value + 1)
        case ast.Return(value=ast.AST() as value) if not _is_none(value):
            yield "return None", lambda: setattr(node, "value", ast.Constant(None))
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not isinstance(node.test, ast.Compare):
        yield "condition negated", lambda: setattr(node, "test", _negated(node.test))
    if isinstance(node, ast.comprehension):
        for index, test in enumerate(node.ifs):
            yield "filter gone", lambda at=index: node.ifs.pop(at)
            if not isinstance(test, ast.Compare):
                yield "filter negated", lambda at=index, was=test: node.ifs.__setitem__(at, _negated(was))
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        for index, statement in enumerate(block) if isinstance(block, list) else ():
            if isinstance(statement, MAY_GO) or _is_call(statement):
                what = f"left out: {ast.unparse(statement).splitlines()[0][:60]}"
                yield what, lambda at=index, block=block: block.__setitem__(at, ast.Pass())


def _swap(before: ast.AST, after: type) -> str:
    return f"{type(before).__name__} → {after.__name__}"


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
