"""Who buys and who only looks: power buyers, heavy browsers, and where customers come from."""

from __future__ import annotations

from beam_pipelines.verification.checks import Measure, Prepared
from beam_pipelines.verification.realism.shares import share, shares

POWER = 0.05
"""Share of customers that are power buyers."""

HEAVY = 0.01
"""Share of customers that are heavy browsers."""

PREPARED = (
    Prepared(
        name="loyalty",
        sql="""
            SELECT customer_id, ntile(20) OVER (ORDER BY customer_id) AS age, coalesce(orders, 0) AS orders
            FROM sign_ups LEFT JOIN (
              SELECT customer_id, count(*) AS orders
              FROM (SELECT order_id, customer_id FROM orders) JOIN sizes USING (order_id), halfway
              WHERE items <= 4 AND created_at >= half GROUP BY customer_id
            ) USING (customer_id), halfway
            WHERE signed_up_at < half""",
        needs=("orders.order_id", "orders.customer_id", "sizes", "sign_ups", "halfway"),
    ),
    Prepared(
        name="halfway",
        sql="""
            SELECT CAST(first_day AS TIMESTAMP) + to_days(CAST((last_day - first_day) // 2 AS INTEGER)) AS half
            FROM lake_tables WHERE name = 'orders'""",
        needs=("orders.created_at",),
    ),
    Prepared(
        name="browsing",
        sql=f"""
            SELECT *, row_number() OVER (PARTITION BY age ORDER BY odd DESC NULLS LAST, customer_id)
                <= {HEAVY} * count(*) OVER (PARTITION BY age) AS heavy
            FROM (SELECT customer_id, ntile(20) OVER (ORDER BY customer_id) AS age FROM sign_ups)
            LEFT JOIN (
              SELECT customer_id, count(*) AS sessions, count_if(NOT odd_day) AS even,
                count_if(odd_day AND cart IS NULL AND purchase IS NULL) AS odd
              FROM (SELECT *, date_diff('day', DATE '2019-01-01', started_at) % 2 = 1 AS odd_day FROM sessions)
              WHERE customer_id IS NOT NULL GROUP BY customer_id) USING (customer_id)""",  # noqa: S608 - a number of ours
        needs=("sessions", "sign_ups"),
    ),
)
"""Orders by customer in the second half of the lake, of those who were there all that time; sessions by customer.

Who browses heavily is found among customers of the same age on days of odd number, by sessions that did not lead to a
cart, and measured on the others: so nobody counts for having been there for long, by chance, or in order to buy.
"""

MEASURES: tuple[Measure, ...] = (
    Measure(
        name="customers.power_buyers",
        target=f"{POWER:.0%} of customers place 15 to 20 % of orders",
        # Who is one nobody can see: few have ordered often enough. But if orders came by chance to equal customers,
        # their variance would be their mean. What is beyond that is the customers' own variance, and two kinds of
        # customers, of whom a share p places a share s of the orders, have one of (s - p)^2 / p (1 - p) times the
        # squared mean. Taken among customers of the same age, because new ones order more.
        sql=f"""
            SELECT {POWER} + sqrt(greatest({POWER * (1 - POWER)} * sum(beyond) / sum(mean * mean), 0)), sum(orders),
              0.5 * sqrt({POWER * (1 - POWER)} / greatest(sum(beyond) / sum(mean * mean), 0.05))
                * sqrt(count(*)) * stddev_samp(beyond) / sum(mean * mean)
            FROM (
              SELECT var_samp(orders) - avg(orders) AS beyond, avg(orders) AS mean, sum(orders) AS orders
              FROM loyalty GROUP BY age)""",  # noqa: S608 - numbers of ours
        needs=("loyalty",),
        low=0.15,
        high=0.20,
        least=5_000,
        percent=True,
    ),
    Measure(
        name="customers.heavy_browsers",
        target=f"{HEAVY:.0%} of customers make 10 % of the traffic",
        sql="""
            SELECT CASE WHEN sum(sessions) >= count(*)
                THEN sum(even) FILTER (heavy) / sum(even) END,
              sum(even), 0.01
            FROM browsing""",
        needs=("browsing",),
        low=0.10,
        high=0.10,
        takes="as many sessions of known customers as there are customers",
        percent=True,
    ),
    Measure(
        name="customers.heavy_browsers_orders",
        target="and under 1 % of the orders",
        sql="""
            SELECT CASE WHEN (SELECT sum(sessions) >= count(*) FROM browsing)
                THEN avg(CAST(customer_id IN (SELECT customer_id FROM browsing WHERE heavy) AS INTEGER)) END,
              count(*), 0.001
            FROM orders WHERE date_diff('day', DATE '2019-01-01', created_at) % 2 = 0""",
        needs=("orders.customer_id", "orders.created_at", "browsing"),
        low=0,
        high=0.01,
        takes="as many sessions of known customers as there are customers",
        percent=True,
    ),
    share("customers.women", "half of them", "(gender = 'F')", "customers WHERE version = 1", (0.48, 0.52),
          ("customers.gender", "customers.version")),
    *shares("customers.source", "traffic_source", "customers WHERE version = 1",
            {"Search": 0.70, "Organic": 0.15, "Facebook": 0.06, "Email": 0.05, "Display": 0.04},
            ("customers.traffic_source", "customers.version")),
)  # fmt: skip
"""Customers."""
