"""Tables whose schema changes while they have rows, by loads and by updates."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from google.api_core.exceptions import BadRequest, GoogleAPICallError, MethodNotImplemented
from google.cloud import bigquery
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.local.bigquery import catalog, serve
from beam_pipelines.local.bigquery.errors import ApiError
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.schema_evolution import Rules, alterations, definition, evolved
from beam_pipelines.schema import Column, Type

from .conftest import ORDERS, Load, client_of, load_config, orders, write_avro

DAY = dt.date(2025, 11, 28)
NEXT_DAY = dt.date(2025, 11, 29)
TARGET = "local.retail.orders$20251128"
CHANNEL = Column(name="channel", type=Type.STRING, nullable=True, description="Where it was placed.")
TAGS = Column(name="tags", type=Type.STRING, repeated=True)
ADDITION, RELAXATION = "ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"


def rows(client: bigquery.Client, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in client.query_and_wait(sql)]


def wider(day: dt.date, first: int) -> pa.RecordBatch:
    """Two orders with the columns CHANNEL and TAGS."""
    batch = orders(day, 2, first=first).append_column(CHANNEL.arrow_field, pa.array(["web", None]))
    return batch.append_column(TAGS.arrow_field, pa.array([["a", "b"], []], TAGS.arrow_type))


def fields_of(columns: tuple[Column, ...]) -> list[bigquery.SchemaField]:
    return [bigquery.SchemaField.from_api_repr(column.bigquery_field) for column in columns]


def changed(**columns: dict[str, Any] | None) -> tuple[Column, ...]:
    """The columns of orders with some changed, or left out with None."""
    kept = [column for column in ORDERS if columns.get(column.name, {}) is not None]
    return tuple(replace(column, **(columns.get(column.name) or {})) for column in kept)


@pytest.mark.parametrize(
    ("disposition", "ids"), [("WRITE_TRUNCATE", {7: "web", 8: None}), ("WRITE_APPEND", {0: None, 7: "web", 8: None})]
)
def test_a_load_adds_columns_that_no_other_row_has(
    client: bigquery.Client, load: Load, tmp_path: Path, disposition: str, ids: dict[int, str | None]
) -> None:
    load(DAY, 1)
    load(NEXT_DAY, 1)
    uri = write_avro(tmp_path / "wider.avro", wider(DAY, 7), (*ORDERS, CHANNEL, TAGS))
    schema = fields_of((*ORDERS, CHANNEL, TAGS))
    config = load_config(disposition, schema=schema, schema_update_options=[ADDITION])
    client.load_table_from_uri(uri, TARGET, job_config=config).result()
    day = "SELECT order_id, channel FROM retail.orders WHERE DATE(created_at) = '2025-11-28'"
    assert dict(rows(client, day)) == ids
    assert rows(client, "SELECT channel, tags FROM retail.orders WHERE created_at >= '2025-11-29'") == [(None, [])]
    assert rows(client, "SELECT tags FROM retail.orders WHERE order_id = 7") == [(["a", "b"],)]
    assert client.get_table("retail.orders").schema[-2:] == schema[-2:]
    described = "SELECT column_name, data_type FROM retail.INFORMATION_SCHEMA.COLUMNS ORDER BY ordinal_position"
    assert rows(client, described)[-2:] == [("channel", "STRING"), ("tags", "ARRAY<STRING>")]
    load(NEXT_DAY, 1)  # by files that know nothing of the new columns
    assert rows(client, "SELECT channel, tags FROM retail.orders WHERE created_at >= '2025-11-29'") == [(None, [])]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ((*ORDERS, CHANNEL), [], "Cannot add fields (field: channel)"),
        ((*ORDERS, CHANNEL), [RELAXATION], "Cannot add fields (field: channel)"),
        (
            (*ORDERS, replace(CHANNEL, nullable=False)),
            [ADDITION, RELAXATION],
            "Cannot add required fields to an existing schema. (field: channel)",
        ),
        (changed(order_id={"type": Type.STRING}), [ADDITION], "Field order_id has changed type from INTEGER to STRING"),
        (changed(note={"nullable": False}), [RELAXATION], "Field note has changed mode from NULLABLE to REQUIRED"),
        (
            changed(note={"nullable": False, "repeated": True}),
            [ADDITION, RELAXATION],
            "Field note has changed mode from NULLABLE to REPEATED",
        ),
        (changed(total={"nullable": True}), [ADDITION], "Field total has changed mode from REQUIRED to NULLABLE"),
        (changed(total=None), [ADDITION, RELAXATION], "Field total is missing in new schema"),
        (
            changed(items={"fields": ORDERS[-1].fields[:1]}),
            [ADDITION, RELAXATION],
            "Field items.price is missing in new schema",
        ),
        (
            changed(items={"fields": (*ORDERS[-1].fields, replace(CHANNEL, nullable=False))}),
            [ADDITION],
            "Cannot add required fields to an existing schema. (field: items.channel)",
        ),
    ],
)  # fmt: skip
def test_what_a_load_may_not_change_is_refused_and_spelt_out(
    client: bigquery.Client, load: Load, tmp_path: Path, columns: tuple[Column, ...], options: list[str], message: str
) -> None:
    load(DAY, 3)
    before = client.get_table("retail.orders")
    uri = write_avro(tmp_path / "none.avro", orders(DAY, 0), columns)
    config = load_config(schema=fields_of(columns), schema_update_options=options)
    job = client.load_table_from_uri(uri, TARGET, job_config=config)
    with pytest.raises(BadRequest):
        job.result()
    expected = f"Provided Schema does not match Table local:retail.orders. {message}"
    assert (job.error_result["reason"], job.error_result["message"]) == ("invalid", expected)
    after = client.get_table("retail.orders")
    assert (after.etag, after.num_rows) == (before.etag, 3)


def test_a_column_is_made_nullable_with_the_option(client: bigquery.Client, load: Load, tmp_path: Path) -> None:
    load(NEXT_DAY, 1)
    view = bigquery.Table("local.retail.totals")
    view.view_query = "SELECT total FROM retail.orders"
    client.create_table(view)
    columns = changed(total={"nullable": True})
    batch = orders(DAY, 1).set_column(2, columns[2].arrow_field, pa.array([None], columns[2].arrow_type))
    uri = write_avro(tmp_path / "relaxed.avro", batch, columns)
    client.load_table_from_uri(
        uri, TARGET, job_config=load_config(schema=fields_of(columns), schema_update_options=[RELAXATION])
    ).result()
    assert [field.mode for field in client.get_table("retail.orders").schema[:3]] == ["REQUIRED"] * 2 + ["NULLABLE"]
    assert {total for (total,) in rows(client, "SELECT total FROM retail.totals")} == {None, 0}
    load(DAY, 1)  # of files that always have a total: the column stays as it is


def test_a_load_without_nullable_columns_leaves_them_null(client: bigquery.Client, tmp_path: Path) -> None:
    columns = changed(note=None, items=None)
    batch = orders(DAY, 2).select([column.name for column in columns])
    uri = write_avro(tmp_path / "narrow.avro", batch, columns)
    for schema in (fields_of(columns), fields_of(ORDERS), None):
        client.load_table_from_uri(uri, TARGET, job_config=load_config(schema=schema)).result()
        assert rows(client, "SELECT note, items FROM retail.orders") == [(None, []), (None, [])]
    assert len(client.get_table("retail.orders").schema) == len(ORDERS)


def test_records_get_fields_too(client: bigquery.Client, load: Load, tmp_path: Path) -> None:
    load(NEXT_DAY, 2)
    deeper = changed(items={"fields": (*ORDERS[-1].fields, CHANNEL)})
    batch = pa.RecordBatch.from_pylist(
        [row | {"items": [{"sku": "s", "price": 1, "channel": "app"}]} for row in orders(DAY, 1, first=7).to_pylist()],
        schema=pa.schema([column.arrow_field for column in deeper]),
    )
    uri = write_avro(tmp_path / "deeper.avro", batch, deeper)
    with pytest.raises(BadRequest, match=r"Cannot add fields \(field: items.channel\)"):
        client.load_table_from_uri(uri, TARGET, job_config=load_config()).result()
    client.load_table_from_uri(uri, TARGET, job_config=load_config(schema_update_options=[ADDITION])).result()
    flat = "SELECT order_id, item.sku, item.channel FROM retail.orders, UNNEST(items) AS item ORDER BY 1"
    assert rows(client, flat) == [(1, "s1", None), (7, "s", "app")]
    table = client.get_table("retail.orders")
    assert table.schema[-1].fields[-1].name == "channel"
    weight = Column(name="weight", type=Type.INT64, nullable=True)
    table.schema = fields_of(changed(items={"fields": (*ORDERS[-1].fields, CHANNEL, weight)}))
    client.update_table(table, ["schema"])
    load(DAY, 2)
    weights = "SELECT item.channel, item.weight FROM retail.orders, UNNEST(items) AS item"
    assert rows(client, weights) == [(None, None), (None, None)]
    table = client.get_table("retail.orders")
    table.schema = fields_of(changed(items={"fields": (*ORDERS[-1].fields, CHANNEL, weight, TAGS)}))
    with pytest.raises(MethodNotImplemented, match=r"Adding a REPEATED field to a record \(items.tags\)"):
        client.update_table(table, ["schema"])


@pytest.mark.parametrize(
    ("target", "disposition"),
    [("local.retail.orders", "WRITE_TRUNCATE"), (TARGET, "WRITE_EMPTY"), ("local.retail.orders", "WRITE_EMPTY")],
)
def test_options_are_for_loads_that_keep_the_schema(
    client: bigquery.Client, tmp_path: Path, target: str, disposition: str
) -> None:
    uri = write_avro(tmp_path / "orders.avro", orders(DAY, 1))
    config = load_config(disposition, schema_update_options=[ADDITION])
    message = "Schema update options should only be specified with WRITE_APPEND disposition, or with WRITE_TRUNCATE"
    with pytest.raises(BadRequest, match=message):
        client.load_table_from_uri(uri, target, job_config=config)
    unknown = load_config(schema_update_options=["ALLOW_ALL"])
    with pytest.raises(BadRequest, match=r"schemaUpdateOptions: expected ALLOW_FIELD_.*, got 'ALLOW_ALL'"):
        client.load_table_from_uri(uri, TARGET, job_config=unknown)


def test_an_update_adds_describes_and_relaxes(client: bigquery.Client, load: Load) -> None:
    load(DAY, 2)
    table = client.get_table("retail.orders")
    columns = changed(total={"nullable": True, "description": "What was paid."})
    table.schema = fields_of((CHANNEL, *columns, TAGS))
    table.description = "All orders."
    updated = client.update_table(table, ["schema", "description"])
    assert updated.schema == fields_of((*columns, CHANNEL, TAGS)), "those that are new come last, as in BigQuery"
    assert updated.description == "All orders."
    assert rows(client, "SELECT channel, tags FROM retail.orders") == [(None, []), (None, [])]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (changed(note=None), "Field note is missing in new schema"),
        (changed(total={"type": Type.STRING}), "Field total has changed type from NUMERIC to STRING"),
        (changed(note={"nullable": False}), "Field note has changed mode from NULLABLE to REQUIRED"),
        (changed(items={"repeated": False}), "Field items has changed mode from REPEATED to REQUIRED"),
        (changed(items={"fields": ORDERS[-1].fields[:1]}), "Field items.price is missing in new schema"),
        ((*ORDERS, replace(CHANNEL, nullable=False)), "Cannot add required fields to an existing schema."),
        ((*ORDERS, replace(CHANNEL, name="Note")), "Duplicate field name in the schema for Table local:retail.orders"),
        (changed(total={"precision": 14}), "Another precision or scale for field total is not supported by the"),
    ],
)  # fmt: skip
def test_what_an_update_may_not_change_is_refused_and_spelt_out(
    client: bigquery.Client, columns: tuple[Column, ...], message: str
) -> None:
    table = client.get_table("retail.orders")
    before = table.etag
    table.schema = fields_of(columns)
    with pytest.raises(GoogleAPICallError) as caught:
        client.update_table(table, ["schema"])
    assert message in caught.value.message
    assert client.get_table("retail.orders").etag == before


_WIDENING = """
import os, sys
from beam_pipelines.local.bigquery import serve
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

path, uri = sys.argv[1:]
with serve(path) as server:
    os.environ["BIGQUERY_EMULATOR_HOST"] = server.endpoint
    client = bigquery.Client(project="local", credentials=AnonymousCredentials())
    config = bigquery.LoadJobConfig(source_format="AVRO", write_disposition="WRITE_APPEND", use_avro_logical_types=True)
    config.schema_update_options = ["ALLOW_FIELD_ADDITION"]
    client.load_table_from_uri(uri, "local.retail.orders$20251128", job_config=config).result()
    table = client.get_table("retail.orders")
    items = table.schema[4].to_api_repr()
    items["fields"].append({"name": "weight", "type": "INTEGER"})
    table.schema = [*table.schema[:4], bigquery.SchemaField.from_api_repr(items), *table.schema[5:]]
    client.update_table(table, ["schema"])
    os.kill(os.getpid(), 9)
"""


def test_added_columns_survive_a_killed_server(
    client: bigquery.Client, load: Load, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.duckdb"
    with serve(path) as server, client_of(server.endpoint, monkeypatch) as other:
        other.create_dataset("retail")
        other.create_table(client.get_table("retail.orders"))
        uri = write_avro(tmp_path / "orders.avro", orders(DAY, 2))
        other.load_table_from_uri(uri, TARGET, job_config=load_config()).result()
    uri = write_avro(tmp_path / "wider.avro", wider(DAY, 7), (*ORDERS, CHANNEL, TAGS))
    done = subprocess.run([sys.executable, "-c", _WIDENING, str(path), uri], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.with_suffix(".duckdb.wal").stat().st_size
    with serve(path) as server, client_of(server.endpoint, monkeypatch) as other:
        found = rows(other, "SELECT order_id, channel, tags FROM retail.orders ORDER BY order_id")
        assert found == [(0, None, []), (1, None, []), (7, "web", ["a", "b"]), (8, None, [])]
        flat = "SELECT order_id, item.sku, item.weight FROM retail.orders, UNNEST(items) AS item"
        assert rows(other, flat) == [(1, "s1", None), (8, "s1", None)]
        assert other.get_table("retail.orders").schema[4].fields[-1].name == "weight"


TABLE = TableName("local", "main", "t")


def columns(depth: int) -> st.SearchStrategy[list[Column]]:
    """Columns of a few names, types and modes, so that two draws often share some."""
    names = st.sampled_from("aAbcd")
    modes = st.sampled_from([{}, {"nullable": True}, {"repeated": True}])
    plain = st.builds(
        lambda name, type_, mode: Column(name=name, type=type_, **mode),
        names,
        st.sampled_from([Type.INT64, Type.STRING]),
        modes,
    )
    record = st.builds(
        lambda name, fields, mode: Column(name=name, type=Type.RECORD, fields=tuple(fields), **mode),
        names,
        st.deferred(lambda: columns(depth - 1)),
        modes,
    )
    return st.lists(
        plain | record if depth else plain, min_size=1, max_size=4, unique_by=lambda column: column.name.lower()
    )


def described(found: list[Column]) -> list[dict[str, Any]]:
    return [column.bigquery_field for column in found]


@st.composite
def evolutions(draw: st.DrawFn) -> tuple[list[Column], list[Column], list[Column]]:
    """Columns of a table, those of a load that may add and relax, and those of the table behind it."""
    before = draw(columns(1))
    asked, after = [], []
    for column in before:
        optional = column.nullable or column.repeated
        what = draw(st.sampled_from(["stay", "leave out"] if optional else ["stay", "relax"]))
        known = replace(column, nullable=True) if what == "relax" else column
        after.append(known)
        asked += [] if what == "leave out" else [known]
    new = [replace(column, name=f"new_{column.name}") for column in draw(columns(1))]
    new = [column if column.repeated else replace(column, nullable=True) for column in new]
    return before, draw(st.permutations(asked)) + new, after + new


@settings(deadline=None)
@given(evolutions())
def test_what_may_change_is_changed_and_duckdb_follows(change: tuple[list[Column], list[Column], list[Column]]) -> None:
    before, asked, after = change
    rules = Rules(additions=True, relaxations=True, complete=False, modes=True)
    assert evolved(TABLE, described(before), described(asked), rules) == described(after)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({', '.join(definition(column) for column in before)})")
        connection.execute(f"CREATE TABLE anew ({', '.join(definition(column) for column in after)})")
        for statement in alterations(TABLE, before, after):
            connection.execute(statement)
        assert connection.execute("DESCRIBE t").fetchall() == connection.execute("DESCRIBE anew").fetchall()


@given(columns(1), columns(1), st.builds(Rules, *[st.booleans()] * 4))
def test_any_change_is_refused_or_adds_nothing_that_a_row_must_have(
    before: list[Column], asked: list[Column], rules: Rules
) -> None:
    try:
        fields = evolved(TABLE, described(before), described(asked), rules)
    except ApiError:
        assert described(asked) != described(before)
        return
    after = catalog.columns_of({"schema": {"fields": fields}})
    assert [column.name.lower() for column in after[: len(before)]] == [column.name.lower() for column in before]
    assert all(rules.additions and (column.nullable or column.repeated) for column in after[len(before) :])
    assert evolved(TABLE, fields, described(asked), replace(rules, modes=False)) == fields


@given(columns(1))
def test_the_schema_that_a_table_has_is_no_change(found: list[Column]) -> None:
    for rules in (Rules(False, False, False, False), Rules(False, False, True, True)):
        assert evolved(TABLE, described(found), described(found), rules) == described(found)
    assert alterations(TABLE, found, found) == []
