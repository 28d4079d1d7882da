"""Rules between tables: what happened in which order, and what has to agree.

A lake may begin after the shop's opening. Then some of what its rows refer to was before the lake, and no rule holds
that against them: orders before the lake's first, and sessions that were begun before its first day.
"""

from __future__ import annotations

from beam_pipelines.verification import declared
from beam_pipelines.verification.checks import Prepared, Rule

PREPARED = (
    Prepared(
        name="sign_ups",
        sql="SELECT customer_id, min(created_at) AS signed_up_at FROM customers GROUP BY customer_id",
        needs=("customers.customer_id", "customers.created_at"),
    ),
    Prepared(
        name="launches",
        sql="SELECT product_id, min(launched_at) AS launched_at FROM products GROUP BY product_id",
        needs=("products.product_id", "products.launched_at"),
    ),
    Prepared(
        name="fates",
        sql="""
            SELECT order_id, placed_at, placed_at IS NOT NULL AS known, shipped_at, delivered_at, cancelled_at,
              returned_at, coalesce(events, 0) AS events
            FROM (SELECT order_id, min(created_at) AS placed_at FROM orders GROUP BY order_id)
            FULL JOIN (
              SELECT order_id, count(*) AS events,
                min(occurred_at) FILTER (event_type = 'shipped') AS shipped_at,
                min(occurred_at) FILTER (event_type = 'delivered') AS delivered_at,
                min(occurred_at) FILTER (event_type = 'cancelled') AS cancelled_at,
                min(occurred_at) FILTER (event_type = 'returned') AS returned_at
              FROM order_events GROUP BY order_id
            ) USING (order_id)""",
        needs=(
            "orders.order_id", "orders.created_at",
            "order_events.order_id", "order_events.event_type", "order_events.occurred_at",
        ),
    ),
    Prepared(
        name="returned_lines",
        sql="""
            SELECT back.event_id, event.order_id, back.value AS order_item_id, line.order_id AS line_order_id,
              line.sale_price
            FROM order_events_order_item_ids AS back
            JOIN order_events AS event USING (row_number)
            LEFT JOIN (SELECT order_item_id, any_value(order_id) AS order_id, any_value(sale_price) AS sale_price
              FROM orders_items GROUP BY order_item_id) AS line ON line.order_item_id = back.value
            WHERE event.order_id >= (SELECT min(order_id) FROM orders)""",
        needs=(
            "order_events.event_id", "order_events.order_id", "order_events.order_item_ids",
            "orders.order_id", "orders.items.order_item_id", "orders.items.sale_price",
        ),
    ),
    Prepared(
        name="sessions",
        sql="""
            SELECT session_id, count(*) AS events, min(sequence_number) AS first_number,
              max(sequence_number) AS last_number,
              min(occurred_at) AS started_at, max(occurred_at) AS ended_at, max(customer_id) AS customer_id,
              min(customer_id) AS other_customer_id,
              min(sequence_number) FILTER (customer_id IS NOT NULL) AS signed_in,
              max(sequence_number) FILTER (customer_id IS NULL) AS last_unknown,
              min(sequence_number) FILTER (event_type = 'product') AS product,
              min(sequence_number) FILTER (event_type = 'cart') AS cart,
              min(sequence_number) FILTER (event_type = 'purchase') AS purchase,
              -- Whether its beginning is in the lake.
              min(sequence_number) = 1 OR any_value(whole) OR min(occurred_at) >= any_value(first_day) + INTERVAL 1 DAY
                AS complete
            FROM web_events, (SELECT whole, first_day FROM lake_tables WHERE name = 'web_events')
            GROUP BY session_id""",
        needs=(
            "web_events.session_id", "web_events.sequence_number", "web_events.occurred_at", "web_events.event_type",
            "web_events.customer_id",
        ),
    ),
    Prepared(
        name="missteps",
        sql="""
            SELECT * FROM (
              SELECT session_id, sequence_number, occurred_at, lag(sequence_number) OVER steps AS previous,
                lag(occurred_at) OVER steps AS before
              FROM web_events WINDOW steps AS (PARTITION BY session_id ORDER BY sequence_number, occurred_at))
            WHERE sequence_number = previous OR occurred_at < before""",
        needs=("web_events.session_id", "web_events.sequence_number", "web_events.occurred_at"),
    ),
)  # fmt: skip
"""Tables that several checks read."""

_ORDERS = (
    Rule(
        name="orders.sign_up",
        target="everybody signed up before ordering",
        sql="""
            SELECT order_id, customer_id, signed_up_at, created_at FROM orders JOIN sign_ups USING (customer_id)
            WHERE signed_up_at >= created_at""",
        needs=("orders.order_id", "orders.customer_id", "orders.created_at", "sign_ups"),
    ),
    Rule(
        name="orders.launched",
        target="every product was launched when it was ordered",
        sql="""
            SELECT order_item_id, product_id, launched_at, created_at FROM orders_items JOIN launches USING (product_id)
            WHERE launched_at > created_at""",
        needs=("orders.created_at", "orders.items.order_item_id", "orders.items.product_id", "launches"),
    ),
    Rule(
        name="orders.price",
        target="retail_price is that of the product's version at that moment",
        sql="""
            SELECT order_item_id, line.product_id, line.retail_price, version.retail_price AS expected
            FROM (SELECT order_item_id, product_id, created_at, retail_price FROM orders_items) AS line
            ASOF JOIN (SELECT product_id, valid_from, retail_price FROM products) AS version
              ON line.product_id = version.product_id AND line.created_at >= version.valid_from
            WHERE line.retail_price <> version.retail_price""",
        needs=(
            "orders.created_at", "orders.items.order_item_id", "orders.items.product_id", "orders.items.retail_price",
            "products.product_id", "products.valid_from", "products.retail_price",
        ),
    ),
    Rule(
        name="orders.lines",
        target="no order line appears twice, and each order has at least one",
        sql="""
            SELECT order_item_id AS number, count(*) AS lines FROM orders_items GROUP BY order_item_id
            HAVING count(*) > 1
            UNION ALL
            SELECT order_id, 0 FROM orders ANTI JOIN orders_items USING (row_number)""",
        needs=("orders.order_id", "orders.items.order_item_id"),
    ),
    Rule(
        name="orders.units_sold_once",
        target="no unit is sold twice",
        sql="""
            SELECT inventory_item_id, count(*) AS times FROM orders_items GROUP BY inventory_item_id
            HAVING count(*) > 1""",
        needs=("orders.items.inventory_item_id",),
    ),
    Rule(
        name="orders.units_received",
        target="every unit was received before it was sold",
        sql="""
            SELECT order_item_id, inventory_item_id, unit.created_at AS received_at, line.created_at AS sold_at
            FROM orders_items AS line JOIN inventory_items AS unit USING (inventory_item_id)
            WHERE unit.created_at >= line.created_at""",
        needs=(
            "orders.created_at", "orders.items.order_item_id", "orders.items.inventory_item_id",
            "inventory_items.inventory_item_id", "inventory_items.created_at",
        ),
    ),
    Rule(
        name="orders.units",
        target="every unit sold is of the product, at the cost, of the order line",
        sql="""
            SELECT order_item_id, inventory_item_id, line.product_id, unit.product_id AS expected_product, line.cost,
              unit.cost AS expected_cost
            FROM orders_items AS line JOIN inventory_items AS unit USING (inventory_item_id)
            WHERE unit.product_id <> line.product_id OR unit.cost <> line.cost""",
        needs=(
            "orders.items.order_item_id", "orders.items.inventory_item_id", "orders.items.product_id",
            "orders.items.cost", "inventory_items.inventory_item_id", "inventory_items.product_id",
            "inventory_items.cost",
        ),
    ),
)  # fmt: skip


def _later(name: str, target: str, moment: str, earlier: str) -> Rule:
    """An event comes after another, which has to be there unless the order was placed before the lake."""
    return Rule(
        name=name,
        target=target,
        sql=f"""
            SELECT order_id, {earlier}, {moment} FROM fates
            WHERE {moment} <= {earlier} OR (known AND {moment} IS NOT NULL AND {earlier} IS NULL)""",  # noqa: S608
        needs=("fates",),
    )


_EVENTS = (
    _later("order_events.shipped", "shipped after ordered", "shipped_at", "placed_at"),
    _later("order_events.delivered", "delivered after shipped", "delivered_at", "shipped_at"),
    _later("order_events.returned", "returned after delivered", "returned_at", "delivered_at"),
    _later("order_events.cancelled", "cancelled after ordered", "cancelled_at", "placed_at"),
    Rule(
        name="order_events.cancelled_or_shipped",
        target="no order is both cancelled and shipped",
        sql="""
            SELECT order_id, shipped_at, cancelled_at FROM fates
            WHERE cancelled_at IS NOT NULL AND shipped_at IS NOT NULL""",
        needs=("fates",),
    ),
    Rule(
        name="order_events.once",
        target="nothing happens twice to an order, but for returns",
        sql="""
            SELECT order_id, event_type, count(*) AS times FROM order_events WHERE event_type <> 'returned'
            GROUP BY order_id, event_type HAVING count(*) > 1""",
        needs=("order_events.order_id", "order_events.event_type"),
    ),
    Rule(
        name="order_events.returned_lines",
        target="what is returned are lines of the order, each once",
        sql="""
            SELECT order_id, order_item_id, any_value(line_order_id) AS found_in, count(*) AS times FROM returned_lines
            GROUP BY order_id, order_item_id
            HAVING count(*) > 1 OR any_value(line_order_id) IS DISTINCT FROM order_id""",
        needs=("returned_lines",),
    ),
    Rule(
        name="order_events.refund",
        target="the refund is what the returned lines were sold for",
        sql="""
            SELECT event_id, order_id, refund, expected FROM order_events
            LEFT JOIN (SELECT event_id, sum(sale_price) AS expected FROM returned_lines GROUP BY event_id)
              USING (event_id)
            WHERE event_type = 'returned' AND order_id >= (SELECT min(order_id) FROM orders)
              AND refund IS DISTINCT FROM expected
            UNION ALL
            SELECT event_id, order_id, refund, NULL FROM order_events
            WHERE event_type <> 'returned' AND refund IS NOT NULL""",
        needs=(
            "order_events.event_id", "order_events.order_id", "order_events.event_type", "order_events.refund",
            "orders.order_id", "returned_lines",
        ),
    ),
)  # fmt: skip

_WEB = (
    Rule(
        name="web_events.sign_up",
        target="everybody signed up before browsing as a customer",
        sql="""
            SELECT event_id, customer_id, signed_up_at, occurred_at FROM web_events JOIN sign_ups USING (customer_id)
            WHERE signed_up_at >= occurred_at""",
        needs=("web_events.event_id", "web_events.customer_id", "web_events.occurred_at", "sign_ups"),
    ),
    Rule(
        name="web_events.launched",
        target="every product was launched when it was viewed",
        sql="""
            SELECT event_id, product_id, launched_at, occurred_at FROM web_events JOIN launches USING (product_id)
            WHERE launched_at > occurred_at""",
        needs=("web_events.event_id", "web_events.product_id", "web_events.occurred_at", "launches"),
    ),
    Rule(
        name="web_events.numbers",
        target="events of a session are numbered 1, 2, 3 ...",
        sql="""
            SELECT session_id, events, first_number, last_number FROM sessions
            WHERE last_number - first_number + 1 <> events OR (complete AND first_number <> 1)
            UNION ALL
            SELECT session_id, 2, sequence_number, previous FROM missteps WHERE sequence_number = previous""",
        needs=("sessions", "missteps"),
    ),
    Rule(
        name="web_events.times",
        target="times in a session do not decrease",
        sql="""
            SELECT session_id, sequence_number, occurred_at, before FROM missteps WHERE occurred_at < before""",
        needs=("missteps",),
    ),
    Rule(
        name="web_events.visitor",
        target="a session has one customer, known from the sign-in to the end",
        sql="""
            SELECT session_id, customer_id, other_customer_id, signed_in, last_unknown FROM sessions
            WHERE customer_id <> other_customer_id OR last_unknown > signed_in""",
        needs=("sessions",),
    ),
    Rule(
        name="web_events.cart",
        target="a product is viewed before the cart",
        sql="""
            SELECT session_id, product, cart FROM sessions
            WHERE cart IS NOT NULL AND complete AND (product < cart) IS NOT TRUE""",
        needs=("sessions",),
    ),
    Rule(
        name="web_events.purchase",
        target="the cart precedes the purchase",
        sql="""
            SELECT session_id, cart, purchase FROM sessions
            WHERE purchase IS NOT NULL AND complete AND (cart < purchase) IS NOT TRUE""",
        needs=("sessions",),
    ),
    Rule(
        name="web_events.order",
        target="a purchase is a web order by the same customer at the same moment",
        sql="""
            SELECT event_id, event.order_id, event.customer_id, placed.customer_id AS ordered_by, occurred_at,
              created_at, channel
            FROM web_events AS event LEFT JOIN orders AS placed USING (order_id)
            WHERE (event_type = 'purchase') <> (event.order_id IS NOT NULL)
              OR (event_type = 'purchase' AND event.order_id >= (SELECT min(order_id) FROM orders)
                AND (placed.order_id IS NULL OR channel <> 'web' OR created_at <> occurred_at
                  OR event.customer_id IS DISTINCT FROM placed.customer_id))""",
        needs=(
            "web_events.event_id", "web_events.order_id", "web_events.customer_id", "web_events.event_type",
            "web_events.occurred_at", "orders.order_id", "orders.customer_id", "orders.created_at", "orders.channel",
        ),
    ),
    Rule(
        name="web_events.purchases",
        target="every web order has exactly one purchase event",
        sql="""
            SELECT order_id, created_at, count(event_id) AS purchases
            FROM orders LEFT JOIN (SELECT event_id, order_id FROM web_events WHERE event_type = 'purchase')
              USING (order_id)
            JOIN lake_tables ON name = 'web_events' AND CAST(created_at AS DATE) BETWEEN first_day AND last_day
            WHERE channel = 'web' GROUP BY order_id, created_at HAVING count(event_id) <> 1""",
        needs=(
            "orders.order_id", "orders.created_at", "orders.channel",
            "web_events.event_id", "web_events.order_id", "web_events.event_type",
        ),
    ),
    Rule(
        name="web_events.pages",
        target="a product's page, and no other, names the product",
        sql="""
            SELECT event_id, event_type, uri, product_id FROM web_events
            WHERE (event_type = 'product') <> (product_id IS NOT NULL)
              OR (event_type = 'product' AND uri <> '/product/' || product_id)""",
        needs=("web_events.event_id", "web_events.event_type", "web_events.uri", "web_events.product_id"),
    ),
)  # fmt: skip

_VERSIONS = (
    Rule(
        name="customers.versions",
        target="versions are numbered from the sign-up on, in order of time",
        sql="""
            SELECT customer_id, min(version) AS lowest, max(version) AS highest, count(*) AS versions FROM customers
            GROUP BY customer_id
            HAVING bool_or(version = 1 AND valid_from <> created_at)
              OR len(list_distinct(list(created_at))) > 1
              OR list_sort(list(DISTINCT version)) <> range(min(version), max(version) + 1)
              OR list(version ORDER BY valid_from, version) <> list_sort(list(version))
              OR (min(version) > 1 AND (SELECT whole FROM lake_tables WHERE name = 'customers'))""",
        needs=("customers.customer_id", "customers.version", "customers.valid_from", "customers.created_at"),
    ),
    Rule(
        name="products.versions",
        target="versions are numbered in order of time, the first there at the launch",
        sql="""
            SELECT product_id, min(version) AS lowest, max(version) AS highest, count(*) AS versions FROM products
            GROUP BY product_id
            HAVING bool_or(version = 1 AND valid_from > launched_at)
              OR len(list_distinct(list(launched_at))) > 1
              OR list_sort(list(DISTINCT version)) <> range(min(version), max(version) + 1)
              OR list(version ORDER BY valid_from, version) <> list_sort(list(version))
              OR (min(version) > 1 AND (SELECT whole FROM lake_tables WHERE name = 'products'))""",
        needs=("products.product_id", "products.version", "products.valid_from", "products.launched_at"),
    ),
)

RULES: tuple[Rule, ...] = (*declared.rules(), *_VERSIONS, *_ORDERS, *_EVENTS, *_WEB)
"""Every rule of integrity."""
