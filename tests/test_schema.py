"""Columns and their types in Avro, Arrow, BigQuery and DuckDB: there and back, and clear words for what cannot be."""

import dataclasses
import json
import re
from typing import Any

import duckdb
import fastavro
import pyarrow as pa
import pytest
from google.cloud.bigquery import SchemaField
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.avro import arrow_schema, parse_schema
from beam_pipelines.schema import (
    Column,
    Partition,
    SchemaError,
    Table,
    Type,
    avro_record,
    columns_from_arrow,
    columns_from_bigquery,
    quoted,
    without_docs,
)

SIMPLE = [type_ for type_ in Type if type_ not in (Type.NUMERIC, Type.RECORD)]
COLUMN_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
MODES = st.sampled_from([{}, {"nullable": True}, {"repeated": True}])


@st.composite
def columns(draw: st.DrawFn, depth: int = 2) -> tuple[Column, ...]:
    names = draw(st.lists(COLUMN_NAMES, min_size=1, max_size=4, unique=True))
    return tuple(draw(column(name, depth)) for name in names)


@st.composite
def column(draw: st.DrawFn, name: str, depth: int) -> Column:
    type_ = draw(st.sampled_from(list(Type) if depth else [*SIMPLE, Type.NUMERIC]))
    more: dict[str, Any] = draw(MODES) | {"description": draw(st.text(max_size=8))}
    if type_ is Type.NUMERIC:
        scale = draw(st.integers(0, 9))
        more |= {"scale": scale, "precision": draw(st.integers(max(scale, 1), scale + 29))}
    elif type_ is Type.RECORD:
        more["fields"] = draw(columns(depth - 1))
    return Column(name=name, type=type_, **more)


def bare(all_columns: tuple[Column, ...], **changes: Any) -> tuple[Column, ...]:
    """The columns and their fields without descriptions and with other changes."""
    return tuple(
        dataclasses.replace(each, description="", fields=bare(each.fields, **changes), **changes)
        for each in all_columns
    )


def one(type_: Type, **more: Any) -> Column:
    extra = {"precision": 12, "scale": 2} if type_ is Type.NUMERIC else {}
    return Column(name="x", type=type_, **(extra | more))


@given(given_columns=columns())
@settings(deadline=None)
def test_avro_and_arrow_types_are_one_table(given_columns: tuple[Column, ...]) -> None:
    found = arrow_schema(parse_schema(avro_record("row", given_columns)))
    assert found == pa.schema([each.arrow_field for each in given_columns])
    assert columns_from_arrow(found) == bare(given_columns)


@given(given_columns=columns())
@settings(deadline=None)
def test_arrow_and_back(given_columns: tuple[Column, ...]) -> None:
    schema = pa.schema([each.arrow_field for each in given_columns])
    assert columns_from_arrow(schema) == bare(given_columns)


@given(given_columns=columns())
@settings(deadline=None)
def test_bigquery_and_back(given_columns: tuple[Column, ...]) -> None:
    fields = json.loads(json.dumps([each.bigquery_field for each in given_columns]))
    assert columns_from_bigquery(fields) == given_columns


@given(given_columns=columns())
@settings(deadline=None)
def test_bigquerys_client_understands_the_fields(given_columns: tuple[Column, ...]) -> None:
    understood = [SchemaField.from_api_repr(each.bigquery_field).to_api_repr() for each in given_columns]
    assert columns_from_bigquery(understood) == given_columns


@given(given_columns=columns())
@settings(deadline=None)
def test_avros_parser_accepts_the_schema(given_columns: tuple[Column, ...]) -> None:
    fastavro.parse_schema(avro_record("row", given_columns))


@given(given_columns=columns())
@settings(max_examples=50, deadline=None)
def test_duckdb_makes_columns_of_the_same_types(given_columns: tuple[Column, ...]) -> None:
    with duckdb.connect() as connection:
        definitions = ", ".join(f"{quoted(each.name)} {each.duckdb_type}" for each in given_columns)
        connection.execute(f"CREATE TABLE made ({definitions})")
        found = columns_from_arrow(connection.sql("FROM made").to_arrow_table().schema)
    nullable = bare(given_columns, nullable=False)
    assert bare(found, nullable=False) == nullable


@pytest.mark.parametrize(
    ("type_", "avro", "arrow", "bigquery", "in_duckdb"),
    [
        (Type.BOOLEAN, "boolean", pa.bool_(), "BOOLEAN", "BOOLEAN"),
        (Type.INT64, "long", pa.int64(), "INTEGER", "BIGINT"),
        (Type.FLOAT64, "double", pa.float64(), "FLOAT", "DOUBLE"),
        (Type.STRING, "string", pa.string(), "STRING", "VARCHAR"),
        (Type.BYTES, "bytes", pa.binary(), "BYTES", "BLOB"),
        (
            Type.NUMERIC,
            {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
            pa.decimal128(12, 2),
            "NUMERIC",
            "DECIMAL(12,2)",
        ),
        (Type.DATE, {"type": "int", "logicalType": "date"}, pa.date32(), "DATE", "DATE"),
        (
            Type.TIMESTAMP,
            {"type": "long", "logicalType": "timestamp-micros"},
            pa.timestamp("us", tz="UTC"),
            "TIMESTAMP",
            "TIMESTAMP WITH TIME ZONE",
        ),
    ],
)
def test_every_simple_type(type_: Type, avro: Any, arrow: pa.DataType, bigquery: str, in_duckdb: str) -> None:
    assert one(type_).avro_field("row") == {"name": "x", "type": avro}
    assert one(type_, nullable=True).avro_field("row") == {"name": "x", "type": ["null", avro], "default": None}
    assert one(type_, repeated=True).avro_field("row") == {"name": "x", "type": {"type": "array", "items": avro}}
    assert one(type_).arrow_field == pa.field("x", arrow, nullable=False)
    assert one(type_, repeated=True).arrow_type == pa.list_(pa.field("item", arrow, nullable=False))
    field = one(type_).bigquery_field
    assert (field["type"], field["mode"]) == (bigquery, "REQUIRED")
    assert one(type_, nullable=True).bigquery_field["mode"] == "NULLABLE"
    assert one(type_, repeated=True).bigquery_field["mode"] == "REPEATED"
    assert one(type_).duckdb_type == in_duckdb
    assert one(type_, repeated=True).duckdb_type == f"{in_duckdb}[]"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"type": Type.RECORD}, "column total: a RECORD, and only a RECORD, has fields"),
        ({"type": Type.STRING, "fields": (one(Type.DATE),)}, "column total: a RECORD, and only a RECORD, has fields"),
        ({"type": Type.NUMERIC}, "column total: expected NUMERIC with 1 <= precision .* got precision 0, scale 0"),
        ({"type": Type.NUMERIC, "precision": 39}, "column total: .* got precision 39, scale 0"),
        ({"type": Type.NUMERIC, "precision": 2, "scale": 3}, "column total: .* got precision 2, scale 3"),
        ({"type": Type.DATE, "nullable": True, "repeated": True}, "column total: repeated columns are empty, not null"),
    ],
)
def test_a_column_that_cannot_be_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=f"^{message}$"):
        Column(name="total", **wrong)


@pytest.mark.parametrize("arrow", [pa.duration("us"), pa.null(), pa.time64("us"), pa.map_(pa.string(), pa.int64())])
def test_an_arrow_type_that_no_column_can_be_is_named(arrow: pa.DataType) -> None:
    with pytest.raises(SchemaError, match=f"^field odd: unsupported Arrow type {re.escape(str(arrow))}$"):
        columns_from_arrow(pa.schema([("odd", arrow)]))


def test_a_bigquery_type_that_no_column_can_be_is_named() -> None:
    with pytest.raises(SchemaError, match=r"^field odd: unsupported BigQuery type GEOGRAPHY$"):
        columns_from_bigquery([{"name": "odd", "type": "GEOGRAPHY"}])


def test_arrow_dictionaries_count_as_their_values_and_numbers_widen() -> None:
    schema = pa.schema(
        [("a", pa.dictionary(pa.int8(), pa.string())), ("b", pa.int32()), ("c", pa.float32()), ("d", pa.large_string())]
    )
    assert [each.type for each in columns_from_arrow(schema)] == [Type.STRING, Type.INT64, Type.FLOAT64, Type.STRING]
    assert columns_from_arrow(pa.schema([("e", pa.binary(4))]))[0].type is Type.BYTES


@pytest.mark.parametrize(
    ("field", "precision", "scale"),
    [({}, 38, 9), ({"precision": "10"}, 10, 0), ({"precision": "10", "scale": "3"}, 10, 3)],
)
def test_bigquerys_defaults_of_numeric(field: dict[str, str], precision: int, scale: int) -> None:
    (found,) = columns_from_bigquery([{"name": "x", "type": "NUMERIC", **field}])
    assert (found.precision, found.scale, found.nullable) == (precision, scale, True)


def table(*all_columns: Column, **more: Any) -> Table:
    return Table(name="t", description="A table.", columns=all_columns, **more)


@given(given_columns=columns(), text=st.text(min_size=1, max_size=10))
@settings(deadline=None, max_examples=50)
def test_the_fingerprint_ignores_documentation(given_columns: tuple[Column, ...], text: str) -> None:
    other = dataclasses.replace(table(*bare(given_columns)), description=text)
    assert other.fingerprint == table(*given_columns).fingerprint
    assert without_docs(avro_record("row", given_columns)) == avro_record("row", bare(given_columns))


@pytest.mark.parametrize(
    "other",
    [
        one(Type.STRING),
        one(Type.INT64, nullable=True),
        one(Type.INT64, repeated=True),
        Column(name="y", type=Type.INT64),
        one(Type.NUMERIC),
        one(Type.RECORD, fields=(one(Type.INT64),)),
    ],
    ids=repr,
)
def test_the_fingerprint_changes_with_what_is_stored(other: Column) -> None:
    assert table(other).fingerprint != table(one(Type.INT64)).fingerprint


def test_the_fingerprint_changes_with_the_columns_order_and_the_scale_of_numbers() -> None:
    first, second = one(Type.INT64), Column(name="y", type=Type.INT64)
    assert table(first, second).fingerprint != table(second, first).fingerprint
    assert table(one(Type.NUMERIC, scale=3)).fingerprint != table(one(Type.NUMERIC)).fingerprint


def test_the_fingerprint_does_not_depend_on_layout() -> None:
    columns_ = (one(Type.DATE), Column(name="y", type=Type.INT64))
    laid_out = table(*columns_, key=("y",), partition=Partition(column="x"), cluster_by=("y",))
    assert laid_out.fingerprint == table(*columns_).fingerprint


@pytest.mark.parametrize("where", [{"key": ("z",)}, {"cluster_by": ("z",)}, {"partition": Partition(column="z")}])
def test_a_table_names_only_columns_it_has(where: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match=r"^table t: key, partition or clustering names unknown columns \['z'\]$"):
        table(one(Type.DATE), **where)


def test_a_column_name_appears_once() -> None:
    with pytest.raises(SchemaError, match=r"^table t: a column name appears twice$"):
        table(one(Type.DATE), one(Type.STRING))


def test_partitions_are_days_or_months() -> None:
    with pytest.raises(SchemaError, match=r"^partition by day: expected DAY or MONTH, got 'HOUR'$"):
        Partition(column="day", granularity="HOUR")


@given(identifier=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=10))
@settings(max_examples=50, deadline=None)
def test_quoted_identifiers_survive_duckdb(identifier: str) -> None:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT 1 AS {quoted(identifier)}").description
    assert found[0][0] == identifier


def test_a_table_knows_its_columns_by_name() -> None:
    assert table(one(Type.DATE)).column("x") == one(Type.DATE)
    with pytest.raises(KeyError, match="y"):
        table(one(Type.DATE)).column("y")
