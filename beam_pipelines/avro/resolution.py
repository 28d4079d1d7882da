"""How data written with one schema is read with another: Avro's rules of schema resolution.

The rules are the specification's (section "Schema Resolution"), with three additions where it leaves room:

- Logical types: a value keeps its meaning or is refused. If both schemas give it one, they have to be the same; if only
  one does, the underlying values are taken.
- A union that the reader has must be one with an Arrow type: of null and one other type.
- Of the branches of a writer's union at most one may become a record, an array or a map.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from beam_pipelines.avro.arrow_types import rows_of, value_type
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.schema import AvroType, Kind, Logical, nested_path

_PROMOTIONS = {
    (Kind.INT, Kind.LONG),
    (Kind.INT, Kind.FLOAT),
    (Kind.INT, Kind.DOUBLE),
    (Kind.LONG, Kind.FLOAT),
    (Kind.LONG, Kind.DOUBLE),
    (Kind.FLOAT, Kind.DOUBLE),
    (Kind.STRING, Kind.BYTES),
    (Kind.BYTES, Kind.STRING),
}
_NESTED = (Kind.RECORD, Kind.ARRAY, Kind.MAP)


@dataclass(frozen=True)
class Resolution:
    """How values of ``writer`` become values of ``reader``."""

    writer: AvroType
    reader: AvroType
    """Of a reader's union the branch that was chosen, unless the writer's type is itself a union; of a reader's record
    the fields that are wanted."""
    branches: tuple[Resolution | AvroError, ...] = ()
    """For each branch of a writer's union: how it is read, or why it cannot be if it comes."""
    fields: tuple[tuple[str, Resolution] | None, ...] = ()
    """For each field of a writer's record: the reader's name for it and how it is read; None if it is passed over."""
    items: Resolution | None = None
    """Of an array's items or a map's values."""
    symbols: tuple[int, ...] = ()
    """For each symbol of a writer's enum: its number in the reader's; -1 if there is none."""


def resolve_rows(writer: AvroType, reader: AvroType, select: Collection[str] | None = None) -> Resolution:
    """How rows of ``writer`` are read as rows of ``reader``, of whose fields only those named in ``select`` are kept.

    Raises:
        AvroError: They cannot be, whatever the rows: names the field, what the reader expects and what the writer has.
    """
    if not _same_name(rows_of(writer), rows_of(reader)):
        raise _mismatch(writer, reader, "")
    return _record(writer, reader, "", select)


def resolve(writer: AvroType, reader: AvroType, path: str = "") -> Resolution:
    """How values of ``writer`` are read as values of ``reader``; AvroError as above."""
    expected, _ = value_type(reader, path)
    if writer.kind is Kind.UNION:
        return _from_union(writer, reader, path)
    if reader.kind is Kind.UNION:
        if writer.kind is Kind.NULL and reader.null_branch is not None:
            return Resolution(writer, writer)
        return resolve(writer, expected, path)
    if reader.logical and writer.logical and not _same_meaning(writer, reader):
        raise _mismatch(writer, reader, path)
    if writer.kind is not reader.kind:
        if (writer.kind, reader.kind) not in _PROMOTIONS or Logical.DECIMAL in (writer.logical, reader.logical):
            raise _mismatch(writer, reader, path)
        return Resolution(writer, reader)
    if reader.name and not _same_name(writer, reader):
        raise _mismatch(writer, reader, path)
    if reader.kind is Kind.FIXED and reader.size != writer.size:
        raise AvroError("fixed of another size", field=path or None, expected=reader.size, got=writer.size)
    if reader.kind is Kind.RECORD:
        return _record(writer, reader, path)
    if reader.kind is Kind.ENUM:
        return Resolution(writer, reader, symbols=_symbols(writer, reader))
    if reader.items is not None and writer.items is not None:
        return Resolution(writer, reader, items=resolve(writer.items, reader.items, path))
    return Resolution(writer, reader)


def _from_union(writer: AvroType, reader: AvroType, path: str) -> Resolution:
    branches: list[Resolution | AvroError] = []
    errors: dict[Kind, AvroError] = {}
    for branch in writer.branches:
        try:
            branches.append(resolve(branch, reader, path))
        except AvroError as error:
            branches.append(error)
            errors[branch.kind] = error
    errors.pop(Kind.NULL, None)
    possible = [branch for branch in branches if isinstance(branch, Resolution)]
    if not possible:
        # Why a nullable type cannot be read is why the type in it cannot.
        raise next(iter(errors.values())) if len(errors) == 1 else _mismatch(writer, reader, path)
    if sum(branch.reader.kind in _NESTED for branch in possible) > 1:
        raise AvroError("several branches become one record", field=path or None, expected="at most one", got=writer)
    return Resolution(writer, reader, branches=tuple(branches))


def _record(writer: AvroType, reader: AvroType, path: str, select: Collection[str] | None = None) -> Resolution:
    sources = _sources(writer, reader)
    wanted = tuple(field for field in reader.fields if select is None or field.name in select)
    for field in wanted:
        if field.default is None and field.name not in sources.values():
            raise AvroError(
                "field is not in the data and has no default",
                field=nested_path(path, field.name),
                expected=field.type,
                got=f"fields {', '.join(field.name for field in writer.fields)}",
            )
    targets = {field.name: field for field in wanted}
    fields: list[tuple[str, Resolution] | None] = []
    for field in writer.fields:
        target = targets.get(sources.get(field.name, ""))
        if target is None:
            fields.append(None)
        else:
            fields.append((target.name, resolve(field.type, target.type, nested_path(path, target.name))))
    return Resolution(writer, replace(reader, fields=wanted), fields=tuple(fields))


def _sources(writer: AvroType, reader: AvroType) -> dict[str, str]:
    """By name of a writer's field, the reader's field that it becomes."""
    names = {field.name for field in writer.fields}
    found = {field.name: field.name for field in reader.fields if field.name in names}
    for field in reader.fields:  # only what is not there under its own name is looked for under an earlier one
        alias = next((alias for alias in field.aliases if alias in names and alias not in found), None)
        if field.name not in names and alias is not None:
            found[alias] = field.name
    return found


def _symbols(writer: AvroType, reader: AvroType) -> tuple[int, ...]:
    numbers = {symbol: number for number, symbol in enumerate(reader.symbols)}
    default = numbers[reader.default] if reader.default is not None else -1
    return tuple(numbers.get(symbol, default) for symbol in writer.symbols)


def _same_name(writer: AvroType, reader: AvroType) -> bool:
    """Names match without their namespaces; an alias of the reader's type is a name of it too."""
    return _simple(writer.name) in map(_simple, (reader.name, *reader.aliases))


def _simple(name: str) -> str:
    return name.rpartition(".")[2]


def _same_meaning(writer: AvroType, reader: AvroType) -> bool:
    return (writer.logical, writer.precision, writer.scale) == (reader.logical, reader.precision, reader.scale)


def _mismatch(writer: AvroType, reader: AvroType, path: str) -> AvroError:
    return AvroError("cannot be read as another type", field=path or None, expected=reader, got=writer)
