"""Functions that a script defines with CREATE TEMP FUNCTION: their calls are replaced by what they compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import invalid_query, unsupported


@dataclass(frozen=True)
class UserFunction:
    """A function of SQL."""

    name: str
    """In small letters."""
    parameters: tuple[tuple[str, exp.DataType | None], ...]
    """Name in small letters and type; ANY TYPE is None."""
    body: exp.Paren
    result: exp.DataType | None

    def called(self, arguments: list[exp.Expr]) -> exp.Expr:
        """What a call with these arguments computes."""
        if len(arguments) != len(self.parameters):
            expected = len(self.parameters)
            raise invalid_query(f"Function {self.name} expects {expected} arguments, got {len(arguments)}")
        values = {
            name: exp.Cast(this=argument.copy(), to=kind.copy()) if kind else exp.paren(argument.copy())
            for (name, kind), argument in zip(self.parameters, arguments, strict=True)
        }
        made = self.body.copy()
        for column in list(made.find_all(exp.Column)):
            if not column.table and column.name.lower() in values:
                column.replace(values[column.name.lower()].copy())
        return exp.Cast(this=made, to=self.result.copy()) if self.result else made


def function_of(tree: exp.Expr) -> UserFunction | None:
    """The function that a CREATE TEMP FUNCTION defines; None for another statement."""
    if not isinstance(tree, exp.Create) or not isinstance(tree.this, exp.UserDefinedFunction):
        return None
    if tree.find(exp.TemporaryProperty) is None:
        return None
    if tree.find(exp.LanguageProperty) or not isinstance(tree.expression, exp.Paren):
        raise unsupported("CREATE TEMP FUNCTION in another language than SQL")
    returns = tree.find(exp.ReturnsProperty)
    parameters = tuple(
        (column.name.lower(), None if column.args["kind"].is_type(exp.DType.VARIANT) else column.args["kind"])
        for column in tree.this.expressions
    )
    return UserFunction(tree.this.this.name.lower(), parameters, tree.expression, returns.this if returns else None)


def with_user_functions(tree: exp.Expr, functions: Mapping[str, UserFunction]) -> exp.Expr:
    """The tree with what they compute in place of the calls of the functions, which are by name in small letters."""
    calls = [call for call in tree.walk(bfs=True) if isinstance(call, exp.Anonymous) and call.name.lower() in functions]
    for call in reversed(calls):  # innermost first
        if not isinstance(call.parent, exp.Dot):
            call.replace(functions[call.name.lower()].called(call.expressions))
    return tree
