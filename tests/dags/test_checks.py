"""The checks of the warehouse: silent about a loaded one, and clear about what is wrong with another."""

import re
from pathlib import Path

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from beam_pipelines import tables

CHECKS = Path(__file__).parents[2] / "dags/retail/checks"
ALL = ",".join(table.name for table in tables.LAKE)
PERIOD = ("2019-01-30", "2019-02-01")


@pytest.fixture
def check(loaded):
    """Runs a check of a period, with a table of the warehouse replaced by a query; None, or what it finds wrong."""

    def run(name: str, *period: str, replaced: tuple[str, str] = ("", ""), **given: str) -> str | None:
        sql = (CHECKS / f"{name}.sql").read_text()
        table, query = replaced
        assert table in sql
        if table:
            sql = sql.replace(f"FROM {table}", f"FROM ({query})").replace(f"JOIN {table}", f"JOIN ({query})")
        parameters = {
            "start_date": ("DATE", period[0]),
            "end_date": ("DATE", period[-1]),
            "tables": ("STRING", given.get("tables", ALL)),
            "max_refused_share": ("FLOAT64", given.get("share", "0.05")),
            "max_staleness_hours": ("INT64", given.get("hours", "12")),
        }
        query_parameters = [
            {"name": key, "parameterType": {"type": kind}, "parameterValue": {"value": value}}
            for key, (kind, value) in parameters.items()
        ]
        config = bigquery.QueryJobConfig.from_api_repr({"query": {"queryParameters": query_parameters}})
        try:
            assert [tuple(row) for row in loaded.query_and_wait(sql, job_config=config)] == [("ok",)]
        except BadRequest as error:
            return str(error)
        return None

    return run


@pytest.mark.parametrize("name", ["row_counts", "reconciliation", "freshness"])
@pytest.mark.parametrize("period", [PERIOD, PERIOD[:1], PERIOD[1:]], ids="/".join)
def test_are_content_with_what_was_loaded(check, name, period):
    assert check(name, *period) is None


def test_find_partitions_that_were_not_loaded(check):
    found = check("row_counts", "2019-02-01", "2019-03-01", tables="products,orders,distribution_centers")
    assert "85 partitions are not as loaded: retail.daily_sales$20190202: was not loaded; " in found
    assert "partitions" in check("row_counts", "2019-01-29", "2019-01-30", tables="web_events")
    assert check("row_counts", "2019-01-29", "2019-01-30", tables="inventory_items") is None, "28 days before are there"


def test_find_partitions_that_hold_another_number_of_rows(check):
    more = "IF(table_name = 'orders', rows_loaded + 1, rows_loaded)"
    lines = f"SELECT * REPLACE ({more} AS rows_loaded) FROM ops.partition_loads"
    found = check("row_counts", "2019-01-30", replaced=("ops.partition_loads", lines))
    assert re.search(r"1 partitions are not as loaded: retail\.orders\$20190130: expected \d+ rows, holds \d+$", found)


@pytest.mark.parametrize("column", ["rows_in", "rows_loaded", "rows_refused", "rows_deduplicated", "rows_unreadable"])
def test_find_rows_that_do_not_add_up(check, column):
    wrong = f"IF(table_name IN ('distribution_centers', 'orders', 'products'), {column} + 1, {column}) AS {column}"
    lines = f"SELECT * REPLACE ({wrong}) FROM ops.partition_loads"
    found = check("reconciliation", "2019-01-31", replaced=("ops.partition_loads", lines), share="1")
    assert "3 sums do not add up: " in found, "those of the day before are no matter of this day"
    partitions = ("distribution_centers", r"orders\$20190131", r"products\$201901")
    assert re.search("; ".join(rf"{name}: rows in \d+, loaded \d+, refused \d+, [^;]+" for name in partitions), found)


def test_find_cents_that_do_not_add_up(check):
    lines = """
        SELECT * REPLACE (
          ARRAY(
            SELECT AS STRUCT
              column_name,
              IF(column_name = 'total', amount_in + NUMERIC '0.01', amount_in) AS amount_in,
              amount_loaded,
              amount_refused,
              amount_deduplicated
            FROM UNNEST(amounts)
          ) AS amounts
        )
        FROM ops.partition_loads
    """
    found = check("reconciliation", "2019-01-30", replaced=("ops.partition_loads", lines))
    assert re.search(r"1 sums do not add up: orders\$20190130\.total: in [\d.]+, loaded [\d.]+, refused 0", found)


def test_find_refused_rows_without_a_dead_letter_and_too_many_of_them(check):
    lines = """
        SELECT * REPLACE (
          IF(table_name = 'orders', 2, rows_refused) AS rows_refused,
          IF(table_name = 'orders', 2, dead_letters) AS dead_letters,
          IF(table_name = 'orders', rows_in + 2, rows_in) AS rows_in
        )
        FROM ops.partition_loads
    """
    found = check("reconciliation", "2019-01-30", replaced=("ops.partition_loads", lines), share="0.1")
    assert "orders$20190130: expected 2 dead letters, ops.dead_letters holds 0" in found
    assert re.search(r"expected at most 0\.1 of the rows refused or unreadable, got 2 of \d+", found)


def test_find_a_period_that_ends_early(check):
    events = "SELECT * FROM retail.web_events WHERE EXTRACT(HOUR FROM occurred_at) < 5"
    found = check("freshness", "2019-01-30", replaced=("retail.web_events", events))
    assert re.search(
        r"retail\.web_events: expected a row in the last 12 hours of 2019-01-30, the newest is of 04:", found
    )
    assert "retail.orders: expected a row in the last 12 hours of 2019-02-02, there is none" in check(
        "freshness", "2019-02-02"
    )
    assert check("freshness", "2019-02-02", tables="products") is None


def test_know_every_table_and_its_partitions():
    sql = (CHECKS / "row_counts.sql").read_text()
    named = re.findall(r"SELECT '(\w+)'(?: AS name)?, '\w+'(?: AS source)?, '(\w+)'", sql)
    retail = [table for table in tables.BY_NAME.values() if table.dataset == "retail"]
    assert dict(named) == {t.name: t.partition.granularity.lower() if t.partition else "none" for t in retail}
