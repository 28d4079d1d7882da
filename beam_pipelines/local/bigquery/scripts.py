"""Scripts: several statements in one query, with variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from beam_pipelines.local.bigquery.errors import invalid_query, position_at, unsupported

_REFUSED = frozenset(
    (
        "ASSERT",
        "BEGIN",
        "BREAK",
        "CALL",
        "CASE",
        "COMMIT",
        "CONTINUE",
        "END",
        "FOR",
        "IF",
        "ITERATE",
        "LEAVE",
        "LOOP",
        "RAISE",
        "REPEAT",
        "RETURN",
        "ROLLBACK",
        "WHILE",
    )
)
_ASSIGNING = frozenset(("DECLARE", "SET"))


@dataclass(frozen=True)
class Text:
    """One statement of a script, as it was written."""

    sql: str
    """Blanks and line ends stand for what is before it, so that its positions are the script's."""
    word: str
    """Its first word, in capitals."""
    start: int
    """Where that word is in ``sql``."""


@dataclass(frozen=True)
class Assignment:
    """A DECLARE or SET, understood."""

    names: tuple[str, ...]
    """The variables, in small letters."""
    value: exp.Query | None
    """The query that gives one row with a column for each variable; None declares them with NULL."""
    declares: bool
    kind: exp.DataType | None = None
    """The type that a DECLARE names."""


def texts_of(sql: str) -> list[Text]:
    """The statements of a query; an ApiError for the control flow of scripts, which is not supported.

    >>> [text.sql for text in texts_of("SELECT 1; SELECT ';'")]
    ['SELECT 1', "          SELECT ';'"]
    """
    try:
        # After EXECUTE the tokenizer takes all up to a semicolon, even one in a string, for one token.
        tokens = BigQuery().tokenize(re.sub(r"\bEXECUTE\b", "execut_", sql, flags=re.IGNORECASE))
    except SqlglotError:
        return [Text(sql, "", 0)]  # the parser will say what is wrong with it
    ends = [token.start for token in tokens if token.token_type is TokenType.SEMICOLON] + [len(sql)]
    found, start = [], 0
    for end in ends:
        first = next((token for token in tokens if start <= token.start < end), None)
        if first is not None:
            word = sql[first.start : first.end + 1].upper()
            text = Text(re.sub(r"[^\n]", " ", sql[:start]) + sql[start:end], word, first.start)
            if word in _REFUSED:
                raise unsupported(f"Statement {word} of a script{position_at(sql, first.start)}")
            found.append(text)
        start = end + 1
    return found


def is_script(texts: list[Text]) -> bool:
    """Whether the statements are a script: several, or one that only scripts have."""
    return len(texts) > 1 or any(text.word in (*_ASSIGNING, "EXECUTE") for text in texts)


def dynamic_text(text: Text) -> str:
    """The expression that EXECUTE IMMEDIATE is given; empty if the statement is anything else, or has more than that.

    >>> dynamic_text(Text("EXECUTE IMMEDIATE CONCAT('a', x)", "EXECUTE", 0))
    "CONCAT('a', x)"
    """
    rest = text.sql[text.start + len(text.word) :]
    tokens = BigQuery().tokenize(rest)
    words = [rest[token.start : token.end + 1].upper() for token in tokens]
    if words[:1] != ["IMMEDIATE"] or {"INTO", "USING"} & set(words):
        return ""
    return rest[tokens[0].end + 1 :].strip()


def assignment_of(tree: exp.Expr) -> Assignment | None:
    """What a DECLARE or SET assigns; None for another statement."""
    if isinstance(tree, exp.Declare):
        item = tree.expressions[0]
        names = item.this if isinstance(item.this, list) else [item.this]
        default = item.args.get("default")
        query = exp.select(*(exp.alias_(default.copy(), f"_{at}") for at in range(len(names)))) if default else None
        return Assignment(_lower(names), query, declares=True, kind=item.args.get("kind"))
    if not isinstance(tree, exp.Set):
        return None
    assigned = tree.expressions[0].this
    if not isinstance(assigned, exp.EQ) or assigned.find(exp.Parameter, exp.SessionParameter) is assigned.this:
        raise unsupported(f"SET {assigned.sql(dialect='bigquery')[:60]}")
    targets = assigned.this.expressions if isinstance(assigned.this, exp.Tuple) else [assigned.this.unnest()]
    return Assignment(_lower(targets), _assigned(assigned.expression, len(targets)), declares=False)


def _assigned(value: exp.Expr, number: int) -> exp.Query:
    """The query of the values: of several variables, the fields of a struct."""
    if number == 1:
        return exp.select(exp.alias_(value.copy(), "_0"))
    if isinstance(value, exp.Tuple | exp.Struct) and len(value.expressions) == number:
        return exp.select(*(exp.alias_(part.unalias().copy(), f"_{at}") for at, part in enumerate(value.expressions)))
    query = value.unnest()
    if not isinstance(query, exp.Select) or len(query.expressions) != number:
        raise invalid_query(f"Cannot assign to {number} variables: expected a struct with as many fields")
    made = query.copy()
    made.set("kind", None)
    named = [exp.alias_(part.unalias(), f"_{at}") for at, part in enumerate(made.expressions)]
    made.set("expressions", named)
    return made


def _lower(names: Iterable[exp.Expr]) -> tuple[str, ...]:
    return tuple(name.name.lower() for name in names)


def names_given(tree: exp.Expr) -> Iterator[str]:
    """The names, in small letters, that the statement itself gives to columns: they come before variables."""
    for alias in tree.find_all(exp.Alias, exp.TableAlias):
        if isinstance(alias, exp.TableAlias):
            yield from _lower([alias, *alias.columns])
        else:
            yield alias.alias.lower()


def with_variables(tree: exp.Expr, names: Set[str]) -> exp.Expr:
    """The tree with DuckDB's variables in place of the columns of those names."""
    for column in list(tree.find_all(exp.Column)):
        parts = column.parts
        if parts[0].name.lower() not in names or isinstance(column.this, exp.Star):
            continue
        value: exp.Expr = exp.Anonymous(this="getvariable", expressions=[exp.Literal.string(parts[0].name.lower())])
        for field in parts[1:]:  # of a struct
            value = exp.Dot(this=value, expression=field.copy())
        if column is tree:
            return value
        column.replace(value)
    return tree
