"""Orders: what has become of them, what they bring in a day, and what a product brings."""

from collections import defaultdict
from decimal import Decimal
from itertools import groupby

from tests.warehouse import shop
from tests.warehouse.shop import answer, rounded


def test_daily_revenue(shop_warehouse):
    expected, revenues = [], []
    for day, rows in groupby(shop.rows("orders"), key=lambda order: order["created_at"].date()):
        of_day = list(rows)
        revenue = sum(row["subtotal"] - row["discount"] for row in of_day)
        revenues.append(revenue)
        last_week = revenues[-7:]
        expected.append(
            {
                "day": day,
                "orders": len(of_day),
                "customers": len({row["customer_id"] for row in of_day}),
                "units": sum(len(row["items"]) for row in of_day),
                "revenue": revenue,
                "discount": sum(row["discount"] for row in of_day),
                "average_order": rounded(revenue / len(of_day), 2),
                "revenue_7_days": rounded(sum(last_week) / len(last_week), 2),
            }
        )
    assert len(expected) == len(shop.DAYS)
    assert answer(shop_warehouse, "SELECT * FROM retail.daily_revenue ORDER BY day") == expected


def test_product_performance(shop_warehouse):
    sold = defaultdict(list)
    for line in shop.order_items():
        sold[line["product_id"]].append(line)
    expected = []
    for number, lines in sold.items():
        product = shop.products()[number][-1]
        revenue, margin = (sum(line[name] for line in lines) for name in ("sale_price", "margin"))
        expected.append(
            {
                "product_id": number,
                "product_name": product["name"],
                **{name: product[name] for name in ("brand", "category", "department")},
                "units": len(lines),
                "orders": len({line["order_id"] for line in lines}),
                "revenue": revenue,
                "margin": margin,
                "margin_rate": rounded(margin / revenue, 4),
            }
        )
    best: dict[str, int] = defaultdict(int)
    for row in sorted(expected, key=lambda row: (-row["revenue"], row["product_id"])):
        best[row["category"]] += 1
        row["category_rank"] = best[row["category"]]
    found = answer(shop_warehouse, "SELECT * FROM retail.product_performance ORDER BY product_id")
    assert found == sorted(expected, key=lambda row: row["product_id"])
    assert max(row["units"] for row in found) > 1


STATUS = {"shipped": "Shipped", "delivered": "Complete", "cancelled": "Cancelled", "returned": "Returned"}
EVENT_COLUMNS = ("shipped_at", "delivered_at", "cancelled_at", "returned_at", "carrier", "refund")


def followed() -> list[shop.Row]:
    """Orders with what has become of them, event by event in the order in which it happened."""
    known = {
        row["order_id"]: row | dict.fromkeys(EVENT_COLUMNS) | {"status": "Processing"} for row in shop.rows("orders")
    }
    for event in sorted(shop.rows("order_events"), key=lambda event: event["occurred_at"]):
        if order := known.get(event["order_id"]):
            order[f"{event['event_type']}_at"] = event["occurred_at"]
            order["status"] = STATUS[event["event_type"]]
            order["carrier"] = event["carrier"] or order["carrier"]
            if event["event_type"] == "returned":
                order["refund"] = (order["refund"] or Decimal(0)) + event["refund"]
    return sorted(known.values(), key=lambda order: order["order_id"])


def test_current_orders_are_the_orders_with_their_events(shop_warehouse):
    expected = followed()
    assert answer(shop_warehouse, "SELECT * FROM retail.current_orders ORDER BY order_id") == expected
    assert {order["status"] for order in expected} == {"Processing", *STATUS.values()}


def test_refunds_of_orders_are_what_the_lines_that_came_back_were_sold_for(shop_warehouse):
    refunds = """
        SELECT order_id, SUM(item.sale_price) AS refund
        FROM retail.order_events AS event
        JOIN retail.orders USING (order_id)
        CROSS JOIN UNNEST(items) AS item
        WHERE item.order_item_id IN UNNEST(event.order_item_ids)
        GROUP BY order_id
        ORDER BY order_id
    """
    of_orders = "SELECT order_id, refund FROM retail.current_orders WHERE refund IS NOT NULL ORDER BY order_id"
    assert answer(shop_warehouse, refunds) == answer(shop_warehouse, of_orders) != []
