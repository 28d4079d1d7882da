"""The retail domain: every table documented, keyed, and accepted by everything that stores it."""

import json
import re
from collections.abc import Iterator

import duckdb
import fastavro
import pytest
from google.cloud.bigquery import SchemaField

from beam_pipelines import tables
from beam_pipelines.schema import Column, Equation, Table, Type, columns_from_bigquery, quoted
from beam_pipelines.tables import BY_NAME, DEAD_LETTERS, DERIVED, DIMENSIONS, HISTORY, LAKE, WAREHOUSE

every_table = pytest.mark.parametrize("table", WAREHOUSE, ids=lambda table: table.name)


def leaves(columns: tuple[Column, ...], prefix: str = "") -> Iterator[tuple[str, Column]]:
    """Every column and field with its path."""
    for column in columns:
        yield prefix + column.name, column
        yield from leaves(column.fields, f"{prefix}{column.name}.")


def test_tables_are_found_by_name() -> None:
    assert set(LAKE) | set(DERIVED) | set(DEAD_LETTERS) <= set(WAREHOUSE)
    assert len(BY_NAME) == len(WAREHOUSE)
    assert all(BY_NAME[name].name == name for name in BY_NAME)
    assert set(DIMENSIONS) < set(LAKE)


def test_tables_with_a_history_are_read_before_the_facts() -> None:
    assert {name for name, days in HISTORY.items() if days is None} == {table.name for table in DIMENSIONS}
    with_days = [BY_NAME[name] for name, days in HISTORY.items() if days is not None]
    assert with_days == [tables.INVENTORY_ITEMS]
    for table in with_days:
        assert table.partition is not None, "days are replaced one by one"
        assert table.partition.granularity == "DAY"


@every_table
def test_names_are_readable(table: Table) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*", table.name)
    for path, column in leaves(table.columns):
        assert re.fullmatch(r"[a-z][a-z_]*", column.name), path


@every_table
def test_everything_is_described(table: Table) -> None:
    assert table.description.endswith(".")
    undescribed = [path for path, column in leaves(table.columns) if not column.description.endswith(".")]
    assert undescribed == []


@every_table
def test_keys_are_required_columns(table: Table) -> None:
    assert table.key or table in DEAD_LETTERS
    for name in table.key:
        column = table.column(name)
        # Sales of products whose rows were refused are sales of no known category.
        assert not column.nullable or (table.name, name) == ("daily_sales", "category"), name
        assert not column.repeated, name
        assert column.type in (Type.INT64, Type.STRING, Type.DATE), name


@every_table
def test_partitions_are_by_a_required_time(table: Table) -> None:
    if table.partition is None:
        assert table.name == "distribution_centers"
    else:
        column = table.column(table.partition.column)
        assert column.type in (Type.DATE, Type.TIMESTAMP)
        assert not column.nullable


@every_table
def test_bigquery_can_cluster_by_the_columns(table: Table) -> None:
    assert len(table.cluster_by) <= 4
    for name in table.cluster_by:
        assert table.column(name).type not in (Type.FLOAT64, Type.BYTES, Type.RECORD), name
        assert not table.column(name).repeated, name


@every_table
def test_references_point_to_keys_of_the_same_type(table: Table) -> None:
    for path, column in leaves(table.columns):
        if column.references:
            parent, _, name = column.references.partition(".")
            assert parent in BY_NAME, path
            assert BY_NAME[parent].column(name).type is column.type, path
            assert name in BY_NAME[parent].key, path


def test_rows_refer_only_to_tables_written_before_them() -> None:
    order = {table.name: index for index, table in enumerate((*LAKE, *DERIVED))}
    for table in (*LAKE, *DERIVED):
        for path, column in leaves(table.columns):
            if column.references:
                assert order[column.references.partition(".")[0]] < order[table.name], f"{table.name}.{path}"


@pytest.mark.parametrize(
    ("table", "equation"),
    [(table, equation) for table in WAREHOUSE for equation in table.equations],
    ids=lambda what: what.name,
)
def test_equations_are_about_numbers(table: Table, equation: Equation) -> None:
    known = dict(leaves(table.columns))
    terms = (equation.left, *equation.plus, *equation.minus)
    assert [term for term in terms if term not in known] == []
    assert {known[term].type for term in terms} == {Type.NUMERIC}
    assert len({known[term].scale for term in terms}) == 1
    nested = [term for term in terms if "." in term]
    assert all(known[term.partition(".")[0]].repeated for term in nested)
    assert len(set(terms)) == len(terms)


def test_money_is_found_at_any_depth() -> None:
    assert BY_NAME["customers"].numeric_paths == ()
    assert BY_NAME["products"].numeric_paths == ("retail_price", "cost")
    assert BY_NAME["order_events"].numeric_paths == ("refund",)
    of_items = ("items.retail_price", "items.discount", "items.sale_price", "items.cost")
    assert tables.ORDERS.numeric_paths == ("subtotal", "discount", "shipping", "tax", "total", *of_items)


def test_equations_read_as_arithmetic() -> None:
    assert str(tables.ORDERS.equations[-1]) == "total = subtotal + shipping + tax - discount"


@every_table
def test_rules_fit_the_types(table: Table) -> None:
    for path, column in leaves(table.columns):
        if column.values:
            assert column.type is Type.STRING, path
            assert len(set(column.values)) == len(column.values), path
        if column.minimum is not None or column.maximum is not None:
            assert column.type in (Type.INT64, Type.FLOAT64, Type.NUMERIC), path
        if column.minimum is not None and column.maximum is not None:
            assert column.minimum < column.maximum, path


@every_table
def test_bigquerys_numeric_holds_the_numbers(table: Table) -> None:
    for path, column in leaves(table.columns):
        if column.type is Type.NUMERIC:
            assert column.scale <= 9, path
            assert column.precision - column.scale <= 29, path


@every_table
def test_avros_parser_accepts_the_schema(table: Table) -> None:
    parsed = fastavro.parse_schema(json.loads(json.dumps(table.avro_schema)))
    assert parsed["name"] == f"retail.{table.name}"
    assert [field["doc"] for field in parsed["fields"]] == [column.description for column in table.columns]


@every_table
def test_bigquerys_client_understands_the_schema(table: Table) -> None:
    understood = [SchemaField.from_api_repr(field).to_api_repr() for field in table.bigquery_schema]
    assert columns_from_bigquery(understood) == columns_from_bigquery(table.bigquery_schema)
    assert [(field["name"], field["type"]) for field in understood] == [
        (field["name"], field["type"]) for field in table.bigquery_schema
    ]


@every_table
def test_duckdb_makes_the_table(table: Table) -> None:
    with duckdb.connect() as connection:
        definitions = ", ".join(
            f"{quoted(column.name)} {column.duckdb_type}{'' if column.nullable else ' NOT NULL'}"
            for column in table.columns
        )
        connection.execute(f"CREATE TABLE made ({definitions})")
        found = {name: type_ for name, type_, *_ in connection.execute("DESCRIBE made").fetchall()}
    assert list(found) == [column.name for column in table.columns]


@every_table
def test_records_of_the_avro_schema_can_be_written(table: Table) -> None:
    names = set(re.findall(r'"type": "record", "name": "(\w+)"', json.dumps(table.avro_schema)))
    records = 1 + sum(column.type is Type.RECORD for _, column in leaves(table.columns))
    assert len(names) == records, "two records of one schema have the same name"


@pytest.mark.parametrize("source", LAKE, ids=lambda table: table.name)
def test_every_lake_table_has_its_dead_letters(source: Table) -> None:
    letters = BY_NAME[f"dead_letters_{source.name}"]
    assert letters.dataset == "ops"
    assert letters.partition is not None
    if source.partition:
        assert letters.partition.granularity == source.partition.granularity


def test_dead_letters_have_one_shape() -> None:
    assert len({letters.columns for letters in DEAD_LETTERS}) == 1


def test_categories_countries_and_sources_are_thelooks() -> None:
    assert (len(tables.CATEGORIES), len(tables.COUNTRIES), len(tables.TRAFFIC_SOURCES)) == (26, 14, 5)
    assert "Brasil" in tables.COUNTRIES
    assert sorted(tables.CATEGORIES) == list(tables.CATEGORIES)
