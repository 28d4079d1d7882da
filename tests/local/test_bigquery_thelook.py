"""Queries of the kinds that people write for ``bigquery-public-data.thelook_ecommerce``, as if copied from the web.

Each is a file in ``thelook_queries``. What it has to give is computed in Python from the same rows, by the function of
its name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from google.cloud import bigquery

from beam_pipelines.local.bigquery import serve

from . import thelook_answers_customers, thelook_answers_sales, thelook_answers_web
from .conftest import client_of
from .thelook_served import load_shop
from .thelook_shop import Shop, make_shop

QUERIES = sorted((Path(__file__).parent / "thelook_queries").glob("*.sql"))
ANSWERS: dict[str, Callable[[Shop], list[tuple[object, ...]]]] = {
    name: function
    for module in (thelook_answers_customers, thelook_answers_sales, thelook_answers_web)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if inspect.signature(function).return_annotation == "Answer"
}
NAMES = {
    "cohort_retention_pivot": ["cohort", "month_0", "month_1", "month_2", "month_3"],
    "quarters_by_year_pivot": ["quarter", "revenue_2023", "items_2023", "revenue_2024", "items_2024"],
    "status_by_gender_pivot": ["gender", "Complete", "Shipped", "Processing", "Cancelled", "Returned"],
    "dynamic_pivot_script": ["browser", "cancel", "cart", "department", "home", "product", "purchase"],
    "latest_order_deduplicated": ["order_id", "user_id", "status", "gender", "created_at", "num_of_item"],
    "order_items_enriched": [
        *("id", "order_id", "user_id", "product_id", "status", "sale_price", "cost", "category", "brand"),
        *("retail_price", "department", "distribution_center_id", "discounted", "discount"),
    ],
}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return make_shop()


@pytest.fixture(scope="module")
def thelook(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[bigquery.Client]:
    folder = tmp_path_factory.mktemp("thelook")
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        serve(folder / "warehouse.duckdb") as server,
        client_of(server.endpoint, monkeypatch) as client,
    ):
        load_shop(client, shop, folder)
        yield client


def test_every_query_has_its_answer() -> None:
    assert len(QUERIES) >= 40
    assert {query.stem for query in QUERIES} == set(ANSWERS)


@pytest.mark.parametrize("query", QUERIES, ids=[query.stem for query in QUERIES])
def test_query(thelook: bigquery.Client, shop: Shop, query: Path) -> None:
    result = thelook.query(query.read_text(encoding="utf-8")).result()
    found = [tuple(row.values()) for row in result]
    answer = ANSWERS[query.stem](shop)
    assert found == [tuple(_about(value) for value in row) for row in answer]
    assert len(answer) > 0
    if query.stem in NAMES:
        assert [field.name for field in result.schema] == NAMES[query.stem]


def _about(value: object) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value


def test_the_shop_has_what_the_queries_look_for(shop: Shop) -> None:
    def all_of(rows: Sequence[object], name: str) -> set[object]:
        return {getattr(row, name) for row in rows}

    assert all_of(shop.orders, "status") == {"Complete", "Shipped", "Processing", "Cancelled", "Returned"}
    assert all_of(shop.events, "event_type") == {"home", "department", "product", "cart", "purchase", "cancel"}
    assert len(all_of(shop.orders, "user_id")) < len(shop.users)
    assert None in all_of(shop.events, "user_id")
    assert None in all_of(shop.inventory_items, "sold_at")
