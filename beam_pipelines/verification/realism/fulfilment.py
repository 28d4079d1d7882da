"""What happens to orders: shipping, cancellations, returns, and fraud.

An order counts only if the lake goes on long enough after it for what is measured to have happened.
"""

from __future__ import annotations

from beam_pipelines.verification.checks import Measure, Prepared
from beam_pipelines.verification.realism.shares import share

PREPARED = (
    Prepared(
        name="courses",
        sql="""
            SELECT order_id, placed_at, items, shipped_at, delivered_at, cancelled_at, returned_at,
              date_diff('day', placed_at, shipped_at) AS shipped_after,
              date_diff('day', placed_at, last_day) AS days_seen,
              (month(placed_at), day(placed_at)) BETWEEN (11, 20) AND (12, 24) AS congested,
              (month(placed_at), day(placed_at)) >= (11, 21) AS gift
            FROM fates JOIN sizes USING (order_id), (SELECT last_day FROM lake_tables WHERE name = 'order_events')
            WHERE known""",
        needs=("fates", "sizes"),
    ),
    Prepared(
        name="fraud",
        sql="""
            SELECT order_id, customer_id, created_at, items, signed_up_at,
              sum(CAST(first AS INTEGER)) OVER (ORDER BY order_id) AS burst
            FROM (
              SELECT *, order_id - lag(order_id, 1, -100) OVER (ORDER BY order_id) > 10 AS first
              FROM (SELECT order_id, customer_id FROM orders) JOIN sizes USING (order_id)
              JOIN sign_ups USING (customer_id)
              WHERE items BETWEEN 6 AND 12)""",
        needs=("orders.order_id", "orders.customer_id", "sizes", "sign_ups"),
    ),
)
"""What became of each order, and orders that look like fraud: a burst is one of such orders close to each other."""

_PARCELS = "courses WHERE items <= 4 AND shipped_at IS NOT NULL AND days_seen >= 10 AND {season}"
_STATUS = """(
    SELECT CASE
      WHEN returned_at IS NOT NULL THEN 'Returned' WHEN cancelled_at IS NOT NULL THEN 'Cancelled'
      WHEN delivered_at IS NOT NULL THEN 'Complete' WHEN shipped_at IS NOT NULL THEN 'Shipped'
      ELSE 'Processing' END AS status
    FROM courses WHERE (SELECT max(days_seen) FROM courses) >= 89)"""
_STATUSES = {
    "Complete": ("most orders", (0.75, 0.98)),
    "Cancelled": ("1 to 2 %", (0.01, 0.025)),
    "Returned": ("1 to 7 %, more after Christmas", (0.005, 0.07)),
    "Shipped": ("those on their way on the last day", (0.002, 0.12)),
    "Processing": ("those of the last days", (0.002, 0.15)),
}


def _of_courses(
    name: str, target: str, condition: str, where: str, bounds: tuple[float, float], takes: str, least: int = 1_000
) -> Measure:
    return share(name, target, condition, f"courses WHERE {where}", bounds, ("courses",), least=least, takes=takes)


_FULFILMENT = (
    share("fulfilment.shipped", "99 % in 1 to 3 days", "(shipped_after BETWEEN 1 AND 3)",
          _PARCELS.format(season="NOT congested"), (0.99, 1), ("courses",), takes="ten days after orders"),
    share("fulfilment.shipped_late", "99 % in 4 to 9 days, from 20 November to 24 December",
          "(shipped_after BETWEEN 4 AND 9)", _PARCELS.format(season="congested"), (0.99, 1), ("courses",),
          takes="orders from 20 November to 24 December, and ten days more"),
    _of_courses("fulfilment.cancelled", "1 to 2 % of regular orders", "(cancelled_at IS NOT NULL)",
                "items <= 4 AND days_seen >= 1", (0.01, 0.02), "two days"),
    _of_courses("fulfilment.cancelled_soon", "within twelve hours", "(cancelled_at < placed_at + INTERVAL 12 HOUR)",
                "items <= 4 AND cancelled_at IS NOT NULL", (0.97, 1), "cancellations", least=50),
    _of_courses("fulfilment.returned", "1.1 % of orders until mid-November", "(returned_at IS NOT NULL)",
                "items <= 4 AND days_seen >= 40 AND NOT gift", (0.009, 0.013), "forty days after orders"),
    _of_courses("fulfilment.gifts_returned", "6.5 % of orders of late November and December",
                "(returned_at IS NOT NULL)", "items <= 4 AND days_seen >= 75 AND gift", (0.055, 0.075),
                "orders from 21 November on, and 75 days more"),
    _of_courses("fulfilment.gifts_in_january", "most of those arrive in January", "(month(returned_at) = 1)",
                "items <= 4 AND days_seen >= 75 AND gift AND returned_at IS NOT NULL", (0.80, 1),
                "orders from 21 November on, and 75 days more", least=50),
)  # fmt: skip

_FRAUD = (
    Measure(
        name="fraud.bursts",
        target="1 to 3 a day, on days of 1,000 orders and more",
        sql="""
            SELECT avg(bursts), sum(bursts), stddev_samp(bursts) / sqrt(count(*))
            FROM volume LEFT JOIN (
              SELECT CAST(created_at AS DATE) AS day, count(DISTINCT burst) AS bursts FROM fraud GROUP BY 1)
              USING (day)
            -- The shop's first four weeks know no fraud.
            WHERE orders >= 1000 AND day > DATE '2019-01-29' HAVING count(*) >= 7""",
        needs=("volume", "fraud"),
        low=1,
        high=3,
        least=1,
        takes="a week of days of 1,000 orders and more, after January 2019",
    ),
    share("fraud.items", "of orders of more than 4 items, those of 6 to 12", "(items BETWEEN 6 AND 12)",
          "sizes WHERE items > 4", (1, 1), ("sizes",), least=20, takes="fraudulent orders"),
    share("fraud.new_accounts", "most accounts are not two weeks old",
          "(created_at < signed_up_at + INTERVAL 14 DAY)", "fraud", (0.9, 1), ("fraud",), least=20,
          takes="fraudulent orders"),
    Measure(
        name="fraud.prices",
        target="items are 3 times as dear as others, or more",
        sql="""
            SELECT avg(retail_price) FILTER (items >= 6) / avg(retail_price) FILTER (items <= 4),
              count_if(items >= 6), 0
            FROM orders_items JOIN sizes USING (order_id)""",
        needs=("orders.order_id", "orders.items.retail_price", "sizes"),
        low=3,
        high=30,
        least=100,
        takes="fraudulent orders",
    ),
    _of_courses("fraud.cancelled", "a third, within the hour",
                "(coalesce(cancelled_at < placed_at + INTERVAL 1 HOUR, FALSE))", "items BETWEEN 6 AND 12", (0.28, 0.38),
                "fraudulent orders", least=20),
)  # fmt: skip

MEASURES = (
    *_FULFILMENT,
    *_FRAUD,
    *(
        share(f"status.{status}", target, f"(status = '{status}')", _STATUS, bounds, ("courses",), takes="90 days")
        for status, (target, bounds) in _STATUSES.items()
    ),
)
"""Fulfilment, fraud, and statuses on the lake's last day."""
