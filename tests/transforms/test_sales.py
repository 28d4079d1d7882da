"""Product versions, order lines and daily sales against computations row by row."""

from bisect import bisect_right
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.transforms import sales
from beam_pipelines.transforms.accounting import amounts_of
from beam_pipelines.transforms.sales import ProductVersions
from beam_pipelines.world import World, day_number

DAY = date(2025, 11, 28)
MIDNIGHT = datetime(2025, 11, 28, tzinfo=UTC)


def microseconds(*times: datetime) -> np.ndarray:
    return np.array([(time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for time in times])


@pytest.fixture(scope="module")
def versions_of(product_version):
    """Product versions of (product, version, hours after midnight)."""

    def versions_of(*given, batches=1):
        rows = [product_version(product, number, MIDNIGHT + timedelta(hours=hour)) for product, number, hour in given]
        schema = tables.PRODUCTS.arrow_schema
        return ProductVersions([pa.RecordBatch.from_pylist(rows[i::batches], schema=schema) for i in range(batches)])

    return versions_of


@pytest.fixture(scope="module")
def products() -> ProductVersions:
    """The world's products up to Black Friday."""
    world, last = World(seed=42, scale=0.1), day_number(DAY)
    return ProductVersions(
        [
            world.block("products", day, block)
            for day in range(last + 1)
            for block in range(world.blocks("products", day))
        ]
    )


@pytest.fixture(scope="module")
def lines(black_friday, products):
    return sales.order_items(black_friday, sales.lines_of(black_friday, products), products)


def at(versions: ProductVersions, product: int, hour: float) -> int | None:
    """The number of the version of a product that was valid so many hours after midnight."""
    row = versions.at(np.array([product]), microseconds(MIDNIGHT + timedelta(hours=hour)))[0]
    return None if row < 0 else versions.rows["version"][int(row)].as_py()


def test_the_version_valid_at_the_moment_is_found(versions_of):
    versions = versions_of((7, 1, 0), (7, 2, 10), (7, 3, 20), (9, 1, 5))
    assert [at(versions, 7, hour) for hour in (0, 9.99, 10, 19, 20, 1_000)] == [1, 1, 2, 2, 3, 3]
    assert at(versions, 9, 1_000) == 1


def test_a_product_is_unknown_before_its_first_version(versions_of):
    versions = versions_of((7, 1, 0), (9, 1, 5))
    assert at(versions, 7, -0.001) is None
    assert at(versions, 9, 4.9) is None


@pytest.mark.parametrize("product", [-1, 0, 6, 8, 10, 2**60])
def test_a_product_that_never_was_is_unknown(versions_of, product):
    assert at(versions_of((7, 1, 0), (9, 1, 0)), product, 1) is None


def test_without_any_version_every_product_is_unknown():
    assert ProductVersions([]).at(np.array([1, 2]), microseconds(MIDNIGHT, MIDNIGHT)).tolist() == [-1, -1]


def test_a_product_is_announced_before_anybody_can_order_it(product_version, orders, batch_of):
    announced, launched = (datetime(2025, month, 1, tzinfo=UTC) for month in (10, 11))
    rows = [product_version(7, 1, announced, launched_at=launched)]
    rows += [product_version(7, 2, launched - timedelta(days=3), launched_at=launched)]
    versions = ProductVersions([pa.RecordBatch.from_pylist(rows, schema=tables.PRODUCTS.arrow_schema)])
    for order, hours in zip(orders[:3], (-1, 0, 1), strict=True):
        order["items"] = [order["items"][0] | {"product_id": 7}]
        order["created_at"] = launched + timedelta(hours=hours)
    batch = batch_of(tables.ORDERS, orders[:3])
    lines = sales.lines_of(batch, versions)
    assert lines.product.tolist() == [sales.NOT_ON_SALE, 1, 1]
    (finding,) = sales.not_on_sale(batch, lines)
    assert finding.rows.tolist() == [True, False, False]
    assert (finding.expected, finding.actual(0)) == ("a product launched before the order", "7")


def test_too_many_versions_are_refused(versions_of, monkeypatch):
    monkeypatch.setattr(sales, "MAXIMUM_PRODUCT_VERSIONS", 2)
    with pytest.raises(ValueError, match="at most 2 versions, got 3"):
        versions_of((1, 1, 0), (1, 2, 1), (2, 1, 0))


histories = st.dictionaries(
    st.integers(1, 6), st.lists(st.integers(0, 50), min_size=1, max_size=5, unique=True).map(sorted), max_size=5
)
asked = st.lists(st.tuples(st.integers(0, 7), st.integers(-1, 51)), min_size=1, max_size=30)


@settings(deadline=None, max_examples=100)
@given(histories, asked, st.randoms(use_true_random=False), st.integers(1, 3))
def test_versions_are_found_as_by_a_search_in_each_products_list(versions_of, histories, asked, random, batches):
    given = [(product, i + 1, hour) for product, hours in histories.items() for i, hour in enumerate(hours)]
    random.shuffle(given)
    versions = versions_of(*given, batches=batches)
    rows = versions.at(
        np.array([product for product, _ in asked]),
        microseconds(*(MIDNIGHT + timedelta(hours=hour) for _, hour in asked)),
    )
    found = [
        None if row < 0 else (versions.rows["product_id"][row].as_py(), versions.rows["version"][row].as_py())
        for row in rows.tolist()
    ]
    naive = [(product, bisect_right(histories.get(product, []), hour)) for product, hour in asked]
    assert found == [one if one[1] else None for one in naive]


def test_the_first_product_that_was_not_on_sale_is_named(product_version, orders, batch_of):
    rows = [product_version(number, 1, MIDNIGHT - timedelta(90), launched_at=MIDNIGHT) for number in (7, 8)]
    rows += [product_version(9, 1, MIDNIGHT - timedelta(90))]
    versions = ProductVersions([pa.RecordBatch.from_pylist(rows, schema=tables.PRODUCTS.arrow_schema)])
    for order, bought, hours in zip(orders[:4], ((9, 8, 7), (9,), (7, 8), (7,)), (-1, -1, 1, None), strict=True):
        order["items"] = [order["items"][0] | {"product_id": product} for product in bought]
        order["created_at"] = None if hours is None else MIDNIGHT + timedelta(hours=hours)
    batch = batch_of(tables.ORDERS, orders[:4])
    (finding,) = sales.not_on_sale(batch, sales.lines_of(batch, versions))
    assert np.flatnonzero(finding.rows).tolist() == [0, 3]
    assert (finding.reason, finding.field) == ("references", "items.product_id")
    assert [finding.actual(row) for row in (0, 3)] == ["8", "7"]


def test_a_product_whose_row_is_missing_is_not_the_orders_fault(orders, batch_of, versions_of):
    """Its line is there, with nulls for what the product would say; its sales are of no category."""
    versions = versions_of((7, 2, -24))
    for order, product in zip(orders[:3], (7, 8, None), strict=True):
        order["items"] = [order["items"][0] | {"product_id": product}]
    batch = batch_of(tables.ORDERS, orders[:3])
    found = sales.lines_of(batch, versions)
    assert sales.not_on_sale(batch, found) == []
    assert found.product.tolist() == [0, sales.UNKNOWN, sales.UNKNOWN]
    items = sales.order_items(batch, found, versions)
    known, unknown, nothing = items.to_pylist()
    assert (known["product_version"], known["category"]) == (2, tables.CATEGORIES[7])
    for line in (unknown, nothing):
        assert [line[name] for name in ("product_version", "department", "category", "brand")] == [None] * 4
        assert line["sale_price"] is not None
    rows = sales.daily_sales(DAY, [sales.sales_of(items)]).to_pylist()
    assert rows == naive_sales(items.to_pylist())
    assert sum(row["units"] for row in rows if row["category"] is None) == 2


def test_of_some_orders_the_lines_are_theirs(black_friday, products):
    stays = np.arange(black_friday.num_rows) % 3 != 1
    some = black_friday.filter(pa.array(stays))
    found, expected = sales.lines_of(black_friday, products).of(stays), sales.lines_of(some, products)
    assert found.order.tolist() == expected.order.tolist()
    assert found.product.tolist() == expected.product.tolist()


def test_the_worlds_orders_know_their_products(black_friday, products):
    found = sales.lines_of(black_friday, products)
    assert sales.not_on_sale(black_friday, found) == []
    assert (found.product >= 0).all()


def test_order_lines_equal_those_computed_row_by_row(black_friday, lines, products):
    catalog, bought = defaultdict(list), pc.unique(lines.column("product_id"))
    for row in products.rows.filter(pc.is_in(products.rows["product_id"], value_set=bought)).to_pylist():
        catalog[row["product_id"]].append(row)
    expected = []
    for order in black_friday.to_pylist():
        for item in order["items"]:
            product = [row for row in catalog[item["product_id"]] if row["valid_from"] <= order["created_at"]][-1]
            expected.append(
                {name: order[name] for name in ("order_id", "customer_id", "created_at", "channel", "country")}
                | item
                | {name: product[name] for name in ("department", "category", "brand")}
                | {"product_version": product["version"], "margin": item["sale_price"] - item["cost"]}
            )
    assert lines.to_pylist() == expected
    assert lines.schema.names == [column.name for column in tables.ORDER_ITEMS.columns]
    versions = lines.column("product_version").to_pylist()
    assert len(set(versions)) > 3, "products have several versions by then"


def test_lines_carry_the_version_of_their_moment_and_the_cost_of_their_unit(orders, batch_of, product_version):
    first, second = orders[0]["created_at"], orders[1]["created_at"]
    assert first < second
    for order, cost, unit in zip(orders[:2], ("3.21", "30.00"), (77, 78), strict=True):
        bought = {"product_id": 5, "inventory_item_id": unit, "cost": Decimal(cost), "sale_price": Decimal("19.99")}
        order["items"] = [order["items"][0] | bought]
    rows = [product_version(5, 1, first, brand="Old"), product_version(5, 2, second, brand="New", category="Jeans")]
    versions = ProductVersions([pa.RecordBatch.from_pylist(rows, schema=tables.PRODUCTS.arrow_schema)])
    batch = batch_of(tables.ORDERS, orders[:2])
    lines = sales.order_items(batch, sales.lines_of(batch, versions), versions).to_pylist()
    assert [line["product_version"] for line in lines] == [1, 2]
    assert [line["brand"] for line in lines] == ["Old", "New"]
    assert [line["category"] for line in lines] == [tables.CATEGORIES[5], "Jeans"]
    # What the versions cost, 8.77 and 9.77, is what units cost that come in then.
    assert [line["inventory_item_id"] for line in lines] == [77, 78]
    assert [line["cost"] for line in lines] == [Decimal("3.21"), Decimal("30.00")]
    assert [line["margin"] for line in lines] == [Decimal("16.78"), Decimal("-10.01")]


def test_lines_of_a_slice_are_those_of_its_orders(black_friday, lines, products):
    part = black_friday.slice(10, 20)
    found = sales.order_items(part, sales.lines_of(part, products), products).to_pylist()
    wanted = set(part.column("order_id").to_pylist())
    assert found == [line for line in lines.to_pylist() if line["order_id"] in wanted]


def test_no_orders_have_no_lines(black_friday, products):
    none = black_friday.slice(0, 0)
    assert sales.order_items(none, sales.lines_of(none, products), products).num_rows == 0


def naive_sales(lines: list[dict]) -> list[dict]:
    cells = defaultdict(list)
    for line in lines:
        cells[line["category"], line["channel"], line["country"]].append(line)
    axes = ((*tables.CATEGORIES, None), tables.CHANNELS, tables.COUNTRIES)
    return [
        {
            **dict(zip(("day", "category", "channel", "country"), (DAY, *cell), strict=True)),
            "orders": len({line["order_id"] for line in cells[cell]}),
            "units": len(cells[cell]),
            "revenue": sum(line["sale_price"] for line in cells[cell]),
            "discount": sum(line["discount"] for line in cells[cell]),
            "margin": sum(line["margin"] for line in cells[cell]),
        }
        for cell in sorted(cells, key=lambda cell: [axis.index(value) for axis, value in zip(axes, cell, strict=True)])
    ]


def test_daily_sales_equal_sums_of_decimals_by_cell(lines):
    found = sales.daily_sales(DAY, [sales.sales_of(lines)]).to_pylist()
    assert found == naive_sales(lines.to_pylist())
    assert any(row["orders"] < row["units"] for row in found), "some order has two units of a cell"
    assert any(row["margin"] < 0 for row in found) or sum(row["discount"] for row in found) > 0


def test_daily_sales_do_not_need_dictionaries(lines):
    plain = lines.cast(tables.ORDER_ITEMS.arrow_schema)
    assert (sales.sales_of(plain) == sales.sales_of(lines)).all()


def test_sums_of_orders_are_those_that_their_lines_are_to_have(black_friday, lines):
    expected = amounts_of(tables.ORDER_ITEMS, lines)
    assert sales.amounts_of_lines(amounts_of(tables.ORDERS, black_friday)) == expected
    parts = [sales.sales_of(lines.slice(0, 0)), sales.sales_of(lines)]
    found = amounts_of(tables.DAILY_SALES, sales.daily_sales(DAY, parts))
    assert sales.amounts_of_sales(parts) == found
    by_path = dict(zip(tables.ORDER_ITEMS.numeric_paths, expected, strict=True))
    assert found == (by_path["sale_price"], by_path["discount"], by_path["margin"])


def test_no_lines_have_no_sales(lines):
    assert sales.daily_sales(DAY, [sales.sales_of(lines.slice(0, 0))]).num_rows == 0
    assert sales.daily_sales(DAY, []).num_rows == 0


@settings(deadline=None, max_examples=30)
@given(cuts=st.lists(st.integers(0, 400), max_size=6), order=st.randoms(use_true_random=False))
def test_parts_of_a_day_add_up_to_the_day(black_friday, products, lines, cuts, order):
    ends = sorted({min(cut, black_friday.num_rows) for cut in cuts} | {0, black_friday.num_rows})
    slices = [black_friday.slice(start, end - start) for start, end in pairwise(ends)]
    order.shuffle(slices)
    parts = [sales.sales_of(sales.order_items(part, sales.lines_of(part, products), products)) for part in slices]
    whole = sales.daily_sales(DAY, [sales.sales_of(lines)])
    assert sales.daily_sales(DAY, parts).equals(whole)


def test_values_that_only_the_dictionary_has_do_not_count(lines):
    column = lines.column("channel")
    more = pa.array([*column.dictionary.to_pylist(), "fax", None])
    changed = pa.DictionaryArray.from_arrays(column.indices, more)
    at = lines.schema.get_field_index("channel")
    batch = lines.set_column(at, pa.field("channel", changed.type), changed)
    assert (sales.sales_of(batch) == sales.sales_of(lines)).all()


def test_a_value_without_a_cell_is_refused(lines):
    names = [name if name != "channel" else pa.array(["fax"] * lines.num_rows) for name in lines.schema.names]
    batch = pa.RecordBatch.from_arrays(
        [lines.column(name) if isinstance(name, str) else name for name in names], names=lines.schema.names
    )
    with pytest.raises(ValueError, match=r"expected values of .*web"):
        sales.sales_of(batch)
