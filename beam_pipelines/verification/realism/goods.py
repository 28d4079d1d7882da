"""What is bought: seasons of categories, prices and margins, and how large baskets are."""

from __future__ import annotations

from beam_pipelines.verification.checks import Measure, Prepared
from beam_pipelines.verification.realism.shares import share

PREPARED = (
    Prepared(
        name="sizes",
        sql="""
            SELECT order_id, any_value(created_at) AS created_at, count(*) AS items FROM orders_items
            GROUP BY order_id""",
        needs=("orders.order_id", "orders.created_at", "orders.items.order_item_id"),
    ),
    Prepared(
        name="monthly_sales",
        sql="""
            SELECT category, month(line.created_at) AS month, count(*) AS lines,
              count(DISTINCT CAST(line.created_at AS DATE)) AS days
            FROM orders_items AS line JOIN sizes USING (order_id)
            JOIN (SELECT product_id, any_value(category) AS category FROM products GROUP BY product_id)
              USING (product_id)
            WHERE items <= 4 GROUP BY ALL""",
        needs=(
            "orders.order_id", "orders.created_at", "orders.items.product_id", "products.product_id",
            "products.category", "sizes",
        ),
    ),
)  # fmt: skip
"""Items of each order; order lines of regular orders by category and month of the year."""


def _season(name: str, target: str, categories: str, months: str, others: str, bounds: tuple[float, float]) -> Measure:
    """The share that categories have of the order lines of some months, beside that of others."""
    own, season, rest = f"category IN ({categories})", f"month IN ({months})", f"month IN ({others})"
    return Measure(
        name=f"categories.{name}",
        target=target,
        sql=f"""
            SELECT (own_in / all_in) / (own_out / all_out), least(own_in, own_out),
              (own_in / all_in) / (own_out / all_out) * sqrt(1 / own_in + 1 / own_out)
            FROM (
              SELECT sum(lines) FILTER ({own} AND {season}) AS own_in, sum(lines) FILTER ({season}) AS all_in,
                sum(lines) FILTER ({own} AND {rest}) AS own_out, sum(lines) FILTER ({rest}) AS all_out,
                max(days) FILTER ({season}) AS days_in, max(days) FILTER ({rest}) AS days_out
              FROM monthly_sales)
            WHERE least(days_in, days_out) >= 14""",  # noqa: S608 - our own
        needs=("monthly_sales",),
        low=bounds[0],
        high=bounds[1],
        least=100,
        takes="weeks in its season and out of it",
    )


_SUMMER, _WINTER = "5, 6, 7, 8", "10, 11, 12, 1, 2"

_BY_CATEGORY = """
    SELECT {value}, sum(products), 0 FROM (
      SELECT category, avg(retail_price) AS price, 1 - sum(cost) / sum(retail_price) AS margin, count(*) AS products
      FROM products WHERE version = 1 GROUP BY category)"""
_OF_PRODUCTS = ("products.version", "products.category", "products.retail_price", "products.cost")

MEASURES = (
    _season(
        "summer", "swimwear and shorts 2.5 times as much in May to August", "'Swim', 'Shorts'", _SUMMER,
        "9, 10, 11, 12, 1, 2, 3, 4", (2.0, 3.0),
    ),
    _season(
        "winter", "coats and sweaters 2.5 times as much in October to February", "'Outerwear & Coats', 'Sweaters'",
        _WINTER, "3, 4, 5, 6, 7, 8, 9", (2.0, 3.0),
    ),
    _season(
        "basics", "socks, underwear and jeans alike in summer and winter", "'Socks', 'Underwear', 'Intimates', 'Jeans'",
        _SUMMER, _WINTER, (0.80, 1.25),
    ),
    Measure(
        name="categories.prices",
        target="the dearest category's average price is 3 times the cheapest's, or more",
        sql=_BY_CATEGORY.format(value="max(price) / min(price)"),
        needs=_OF_PRODUCTS,
        low=3,
        high=30,
    ),
    Measure(
        name="categories.margins",
        target="margins of categories differ by 10 points or more",
        sql=_BY_CATEGORY.format(value="max(margin) - min(margin)"),
        needs=_OF_PRODUCTS,
        low=0.1,
        high=0.5,
        percent=True,
    ),
    *(
        share(f"baskets.{items}", f"{part:.0%} of regular orders", f"(items = {items})", "sizes WHERE items <= 4",
              (part * 0.9, part * 1.1), ("sizes",))
        for items, part in ((1, 0.70), (2, 0.20), (3, 0.05), (4, 0.05))
    ),
)  # fmt: skip
"""Categories and baskets."""
