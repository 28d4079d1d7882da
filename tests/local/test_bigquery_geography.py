"""GEOGRAPHY: points in queries, views, tables, loads and parameters, and distances on BigQuery's sphere."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.schema import Column, Type

from .conftest import load_config, write_avro

ANSWERS = [
    ("SELECT ST_GEOGPOINT(-90.0489, 35.1174)", "POINT(-90.0489 35.1174)"),
    ("SELECT ST_GEOGPOINT(1, NUMERIC '2.50'), ST_GEOGPOINT(1e-7, -0.5)", ("POINT(1 2.5)", "POINT(1e-07 -0.5)")),
    ("SELECT ST_GEOGPOINT(190, 0), ST_GEOGPOINT(-540.5, 90)", ("POINT(-170 0)", "POINT(179.5 90)")),
    ("SELECT ST_GEOGPOINT(NULL, 1), ST_X(NULL), ST_ASTEXT(CAST(NULL AS GEOGRAPHY))", (None, None, None)),
    ("SELECT SAFE.ST_GEOGPOINT(1, 90.5), SAFE.ST_GEOGPOINT(1, 2)", (None, "POINT(1 2)")),
    ("SELECT SAFE.ST_GEOGFROMTEXT('POINT(x)'), SAFE.ST_GEOGFROMTEXT('POINT(1 2)')", (None, "POINT(1 2)")),
    ("SELECT ST_X(ST_GEOGPOINT(1, 2)), ST_Y(ST_GEOGPOINT(1, 2))", (1.0, 2.0)),
    ("SELECT ST_ASTEXT(ST_GEOGPOINT(-1.5, 2))", "POINT(-1.5 2)"),
    ("SELECT ST_GEOGFROMTEXT(' point( -1.50  2e1 ) '), ST_GEOGFROMTEXT(NULL)", ("POINT(-1.5 20)", None)),
    ("SELECT ST_DISTANCE(ST_GEOGPOINT(3, 4), ST_GEOGPOINT(3, 4))", 0.0),
    # What BigQuery gives, as published.
    (
        "SELECT ST_DISTANCE(ST_GEOGPOINT(139.7454316, 35.658584), ST_GEOGPOINT(139.8108103, 35.7100069))",
        pytest.approx(8219.632821167155, rel=1e-12),
    ),
    (
        "SELECT ST_DISTANCE(ST_GEOGPOINT(0, 0), ST_GEOGPOINT(180, 0), use_spheroid => FALSE)",
        pytest.approx(math.pi * 6_371_010),
    ),
    (
        "SELECT ST_DWITHIN(ST_GEOGPOINT(0, 0), ST_GEOGPOINT(1, 0), 111196), "
        "ST_DWITHIN(ST_GEOGPOINT(0, 0), ST_GEOGPOINT(1, 0), 111195, FALSE)",
        (True, False),
    ),
    ("SELECT [ST_GEOGPOINT(1, 2)], STRUCT(ST_GEOGPOINT(3, 4) AS at)", (["POINT(1 2)"], {"at": "POINT(3 4)"})),
    ("SELECT IF(FALSE, NULL, ST_GEOGPOINT(1, 2)), COALESCE(NULL, ST_GEOGPOINT(3, 4))", ("POINT(1 2)", "POINT(3 4)")),
    (
        "SELECT ARRAY_AGG(x ORDER BY ST_DISTANCE(ST_GEOGPOINT(x, 0), ST_GEOGPOINT(3, 0)) LIMIT 2) "
        "FROM UNNEST([1, 9, 2]) AS x",
        [2, 1],
    ),
    (
        "SELECT COUNT(g), MAX(ST_X(g)) + 1.5, ANY_VALUE(g HAVING MIN x) "
        "FROM (SELECT x, ST_GEOGPOINT(x, 1) AS g FROM UNNEST([1, 2, NULL]) AS x)",
        (2, 3.5, "POINT(1 1)"),
    ),
]
ERRORS = [
    ("SELECT ST_GEOGPOINT(1, 90.5)", "ST_GEOGPOINT: latitude must be between -90 and 90 degrees, got 90.5"),
    ("SELECT ST_GEOGPOINT(1, y) FROM UNNEST([2, -91]) AS y", "between -90 and 90 degrees, got -91"),
    ("SELECT ST_GEOGPOINT(CAST('inf' AS FLOAT64), 1)", "longitude must be a finite number of degrees, got inf"),
    ("SELECT ST_GEOGPOINT(1, CAST('nan' AS FLOAT64))", "latitude must be between -90 and 90 degrees, got nan"),
    ("SELECT ST_GEOGPOINT(1)", r"ST_GEOGPOINT at \[1:8\]: expected 2 arguments, got 1"),
    (
        "SELECT ST_GEOGFROMTEXT('LINESTRING(1 2, 3 4)')",
        r"only POINT\(longitude latitude\) .* got LINESTRING\(1 2, 3 4\)",
    ),
    ("SELECT ST_GEOGFROMTEXT('POINT(1 2 3)')", r"only POINT\(longitude latitude\) .* got POINT\(1 2 3\)"),
    ("SELECT ST_GEOGFROMTEXT('POINT(1 2-)')", r"only POINT\(longitude latitude\) .* got POINT\(1 2-\)"),
    ("SELECT ST_GEOGFROMTEXT('POINT EMPTY')", r"only POINT\(longitude latitude\) .* got POINT EMPTY"),
    ("SELECT ST_GEOGFROMTEXT('POINT(1 91)')", "latitude must be between -90 and 90 degrees, got 91"),
    ("SELECT ST_GEOGFROMTEXT('POINT(1 2)', planar => TRUE)", "ST_GEOGFROMTEXT with the argument planar => TRUE is not"),
    ("SELECT ST_DISTANCE(ST_GEOGPOINT(1, 2), ST_GEOGPOINT(1, 3), TRUE)", "ST_DISTANCE with the argument TRUE is not"),
    ("SELECT ST_AREA(ST_GEOGPOINT(1, 2))", r"Function ST_AREA at \[1:8\] is not supported by the local BigQuery"),
    ("SELECT ST_POINT(1, 2)", r"Function not found: ST_POINT at \[1:8\]"),
    ("SELECT CAST(ST_GEOGPOINT(1, 2) AS STRING)", "Invalid cast from GEOGRAPHY to STRING"),
    ("SELECT CAST('POINT(1 2)' AS GEOGRAPHY)", "CAST to GEOGRAPHY of other than NULL is not supported"),
]
PLACES = [Column(name="id", type=Type.INT64), Column(name="place", type=Type.STRING, nullable=True)]


@pytest.fixture(scope="module")
def served(served: bigquery.Client) -> bigquery.Client:
    served.create_dataset("world")
    return served


def rows(client: bigquery.Client, sql: str) -> list[tuple[object, ...]]:
    return [row.values() for row in client.query_and_wait(sql)]


@pytest.mark.parametrize(("sql", "answer"), ANSWERS, ids=[sql for sql, _ in ANSWERS])
def test_answer(served: bigquery.Client, sql: str, answer: object) -> None:
    (row,) = rows(served, sql)
    assert row == (answer if isinstance(answer, tuple) else (answer,))


@pytest.mark.parametrize(("sql", "message"), ERRORS, ids=[sql for sql, _ in ERRORS])
def test_error(served: bigquery.Client, sql: str, message: str) -> None:
    with pytest.raises(GoogleAPICallError, match=message):
        served.query_and_wait(sql)


DEGREES = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def angle(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two places as seen from the Earth's centre, in radians, by the cross and the scalar product."""
    a, b = (
        (math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y))
        for x, y in (map(math.radians, place) for place in (one, other))
    )
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return math.atan2(math.hypot(*cross), sum(x * y for x, y in zip(a, b, strict=True)))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(DEGREES, DEGREES), min_size=1, max_size=100))
def test_points_come_back_and_distances_are_angles(served, pairs):
    """The coordinates to the last bit, through text and through the answer; distances to eight digits."""
    items = [
        f"STRUCT({n} AS n, ST_GEOGPOINT({one[0]!r}, {one[1]!r}) AS a, ST_GEOGPOINT({other[0]!r}, {other[1]!r}) AS b)"
        for n, (one, other) in enumerate(pairs)
    ]
    sql = f"""
        SELECT a AS place, ST_X(a) AS x, ST_Y(a) AS y,
          ST_X(ST_GEOGFROMTEXT(ST_ASTEXT(a))) AS x_of_text, ST_Y(ST_GEOGFROMTEXT(ST_ASTEXT(a))) AS y_of_text,
          ST_DISTANCE(a, b) AS there, ST_DISTANCE(b, a) AS back
        FROM UNNEST([{", ".join(items)}])
        ORDER BY n
    """
    found = list(served.query_and_wait(sql))
    assert len(found) == len(pairs)
    for row, (one, other) in zip(found, pairs, strict=True):
        assert (row["x"], row["y"]) == (row["x_of_text"], row["y_of_text"]) == one
        assert tuple(map(float, row["place"][6:-1].split())) == one
        assert row["there"] == pytest.approx(row["back"])
        # The haversine formula is at its worst between antipodes: half the digits there.
        assert row["there"] == pytest.approx(6_371_010 * angle(one, other), rel=2e-8, abs=0.01)


def test_type_is_known_wherever_it_is_asked_for(served):
    served.query_and_wait("CREATE VIEW world.seen AS SELECT 1 AS id, ST_GEOGPOINT(1, 2) AS place, COUNT(*) AS n")
    served.query_and_wait("CREATE TABLE world.kept AS SELECT * FROM world.seen")
    served.query_and_wait("CREATE TABLE world.declared (id INT64, place GEOGRAPHY NOT NULL)")
    for table in ("seen", "kept", "declared"):
        sql = f"SELECT * FROM world.{table}"
        dry = served.query(sql, job_config=bigquery.QueryJobConfig(dry_run=True))
        for schema in (served.get_table(f"world.{table}").schema, dry.schema, served.query_and_wait(sql).schema):
            assert [field.field_type for field in schema if field.name == "place"] == ["GEOGRAPHY"], table
    described = """
        SELECT table_name, data_type FROM world.INFORMATION_SCHEMA.COLUMNS WHERE column_name = 'place' ORDER BY 1
    """
    assert rows(served, described) == [(name, "GEOGRAPHY") for name in ("declared", "kept", "seen")]
    arrow = served.query_and_wait("SELECT place FROM world.kept").to_arrow(create_bqstorage_client=False)
    assert arrow["place"].to_pylist() == ["POINT(1 2)"]


def test_tables_keep_points_also_within_records(served):
    served.query_and_wait("""
        CREATE TABLE world.nested AS
        SELECT [STRUCT(1 AS id, ST_GEOGPOINT(1, 2) AS place), (2, NULL)] AS stops, [ST_GEOGPOINT(3, 4)] AS ends
    """)
    served.query_and_wait("INSERT INTO world.nested (stops, ends) VALUES ([], [ST_GEOGPOINT(5, 6)])")
    stops = [{"id": 1, "place": "POINT(1 2)"}, {"id": 2, "place": None}]
    found = [row.values() for row in served.list_rows("world.nested")]
    assert found == [(stops, ["POINT(3 4)"]), ([], ["POINT(5 6)"])]
    types = "SELECT data_type FROM world.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 'nested' ORDER BY 1"
    assert rows(served, types) == [("ARRAY<GEOGRAPHY>",), ("ARRAY<STRUCT<id INT64, place GEOGRAPHY>>",)]
    assert rows(served, "SELECT SUM(ST_X(stop.place)) FROM world.nested, UNNEST(stops) AS stop") == [(1.0,)]


def test_points_are_loaded_from_text(served, tmp_path):
    batch = pa.record_batch({"id": [1, 2], "place": ["POINT(-1.5 2)", None]})
    schema = [bigquery.SchemaField("id", "INTEGER"), bigquery.SchemaField("place", "GEOGRAPHY")]
    uri = write_avro(tmp_path / "places.avro", batch, tuple(PLACES))
    served.load_table_from_uri(uri, "local.world.loaded", job_config=load_config(schema=schema)).result()
    sql = "SELECT id, place, ST_X(place) FROM world.loaded ORDER BY id"
    assert rows(served, sql) == [(1, "POINT(-1.5 2)", -1.5), (2, None, None)]
    with pytest.raises(GoogleAPICallError, match="place has changed type from GEOGRAPHY to STRING"):
        served.load_table_from_uri(uri, "local.world.loaded", job_config=load_config("WRITE_APPEND")).result()


def test_what_is_no_point_is_refused_when_it_is_read(served):
    served.query_and_wait("CREATE TABLE world.lines (line GEOGRAPHY)")
    served.query_and_wait("INSERT INTO world.lines (line) VALUES ('LINESTRING(1 2, 3 4)')")
    with pytest.raises(GoogleAPICallError, match="A GEOGRAPHY that is not a point is not supported"):
        served.query_and_wait("SELECT line FROM world.lines")


def test_parameters(served):
    parameters = [
        bigquery.ScalarQueryParameter("place", "GEOGRAPHY", "POINT(1 2)"),
        bigquery.ScalarQueryParameter("nowhere", "GEOGRAPHY", None),
        bigquery.ArrayQueryParameter("places", "GEOGRAPHY", ["POINT(3 4)", "POINT(5 6)"]),
    ]
    sql = "SELECT @place, @nowhere, ST_Y(@places[OFFSET(1)])"
    (row,) = served.query_and_wait(sql, job_config=bigquery.QueryJobConfig(query_parameters=parameters))
    assert row.values() == ("POINT(1 2)", None, 6.0)
