"""What customers do: cohorts, and segments by recency, frequency and monetary value."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

import pytest

from beam_pipelines import tables
from tests.warehouse import shop


def revenue(order: shop.Row) -> Decimal:
    return order["subtotal"] - order["discount"]


def months_from(first: date, last: date) -> list[date]:
    count = (last.year - first.year) * 12 + last.month - first.month
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count + 1)]


def cohorts(orders: list[shop.Row]) -> list[shop.Row]:
    """The rows of cohort_retention, customer by customer."""
    by_customer = defaultdict(list)
    for order in orders:
        by_customer[order["customer_id"]].append(order)
    members, active = defaultdict(set), defaultdict(list)
    for customer, own in by_customer.items():
        cohort = min(shop.month_of(order["created_at"]) for order in own)
        members[cohort].add(customer)
        for order in own:
            active[cohort, shop.month_of(order["created_at"])].append(order)
    newest = max(shop.month_of(order["created_at"]) for order in orders)
    return [
        {
            "cohort_month": cohort,
            "months_since": number,
            "customers": len(members[cohort]),
            "active_customers": (count := len({order["customer_id"] for order in active[cohort, month]})),
            "retention_rate": pytest.approx(count / len(members[cohort]), abs=5.1e-5),
            "orders": len(active[cohort, month]),
            "revenue": sum(map(revenue, active[cohort, month]), Decimal(0)),
        }
        for cohort in sorted(members)
        for number, month in enumerate(months_from(cohort, newest))
    ]


RETENTION = "SELECT * FROM retail.cohort_retention ORDER BY cohort_month, months_since"


def test_cohort_retention(shop_warehouse):
    expected = cohorts(shop.rows("orders"))
    found = shop.answer(shop_warehouse, RETENTION)
    assert found == expected
    assert [row["months_since"] for row in found] == [0, 1, 2, 3, 0, 1, 2, 0, 1, 0]
    assert all(row["retention_rate"] == round(row["retention_rate"], 4) for row in found)
    assert sum(row["revenue"] for row in found) == sum(map(revenue, shop.rows("orders")))


def test_cohorts_have_a_row_for_months_without_orders(prepared, tmp_path):
    template = shop.rows("orders")[0]
    months = {1: [(2024, 11), (2025, 3)], 2: [(2024, 11)], 3: [(2025, 1), (2025, 1)]}
    orders = [
        template
        | {
            "order_id": number * 10 + n,
            "customer_id": number,
            "created_at": template["created_at"].replace(year=year, month=month, day=10 + n),
        }
        for number, own in months.items()
        for n, (year, month) in enumerate(own)
    ]
    shop.put(prepared, tables.ORDERS, orders, tmp_path)
    found = shop.answer(prepared, RETENTION)
    assert found == cohorts(orders)
    of_november = [row["active_customers"] for row in found if row["cohort_month"] == date(2024, 11, 1)]
    assert of_november == [2, 0, 0, 0, 1]


def fifths(customers: dict[int, shop.Row], value) -> dict[int, int]:
    """The score of each customer: all in order, cut in five; what five does not divide goes to the first fifths."""
    ordered = sorted(customers, key=lambda number: (value(customers[number]), customers[number]["last"], number))
    size, larger = divmod(len(ordered), 5)
    sizes = [size + (fifth < larger) for fifth in range(5)]
    scores = [fifth for fifth, size in enumerate(sizes, start=1) for _ in range(size)]
    return dict(zip(ordered, scores, strict=True))


SEGMENTS = {
    "Champions": lambda r, fm, once: r >= 4 and fm >= 8,
    "Loyal": lambda r, fm, once: r >= 3 and fm >= 6 and not (r >= 4 and fm >= 8),
    "New": lambda r, fm, once: r == 5 and fm < 6 and once,
    "Promising": lambda r, fm, once: (r == 4 or (r == 5 and not once)) and fm < 6,
    "Needs attention": lambda r, fm, once: r == 3 and fm < 6,
    "Cannot lose": lambda r, fm, once: r <= 2 and fm >= 8,
    "At risk": lambda r, fm, once: r <= 2 and 6 <= fm < 8,
    "About to sleep": lambda r, fm, once: r == 2 and fm < 6,
    "Lost": lambda r, fm, once: r == 1 and fm < 6,
}
"""Whether recency score, sum of the other two scores and a single order make a segment."""


def segment_of(recency: int, others: int, *, once: bool) -> str:
    (segment,) = [name for name, is_one in SEGMENTS.items() if is_one(recency, others, once)]
    return segment


def segments(orders: list[shop.Row]) -> list[shop.Row]:
    """The rows of rfm_segments."""
    customers = {}
    for order in sorted(orders, key=lambda order: order["created_at"]):
        known = customers.setdefault(order["customer_id"], {"first": order["created_at"], "orders": 0, "paid": 0})
        known |= {"last": order["created_at"], "orders": known["orders"] + 1, "paid": known["paid"] + revenue(order)}
    today = max(order["created_at"] for order in orders).date()
    recency = fifths(customers, lambda customer: customer["last"])
    frequency = fifths(customers, lambda customer: customer["orders"])
    monetary = fifths(customers, lambda customer: customer["paid"])
    return [
        {
            "customer_id": number,
            "first_order_at": known["first"],
            "last_order_at": known["last"],
            "recency_days": (today - known["last"].date()).days,
            "frequency": known["orders"],
            "monetary": known["paid"],
            "recency_score": recency[number],
            "frequency_score": frequency[number],
            "monetary_score": monetary[number],
            "segment": segment_of(recency[number], frequency[number] + monetary[number], once=known["orders"] == 1),
        }
        for number, known in sorted(customers.items())
    ]


def test_rfm_segments(shop_warehouse):
    found = shop.answer(shop_warehouse, "SELECT * FROM retail.rfm_segments ORDER BY customer_id")
    assert found == segments(shop.rows("orders"))
    assert {row["segment"] for row in found} == set(SEGMENTS)
    assert min(row["recency_days"] for row in found) == 0
    for score in ("recency_score", "frequency_score", "monetary_score"):
        sizes = Counter(row[score] for row in found)
        assert sorted(sizes) == [1, 2, 3, 4, 5]
        assert max(sizes.values()) - min(sizes.values()) <= 1


def test_the_best_scores_are_of_the_best(shop_warehouse):
    (found,) = shop.answer(
        shop_warehouse,
        """
        SELECT
          MAX(IF(recency_score = 5, recency_days, NULL)) <= MIN(IF(recency_score = 4, recency_days, NULL)) AS recency,
          MIN(IF(frequency_score = 5, frequency, NULL)) >= MAX(IF(frequency_score = 4, frequency, NULL)) AS frequency,
          MIN(IF(monetary_score = 5, monetary, NULL)) >= MAX(IF(monetary_score = 4, monetary, NULL)) AS monetary
        FROM retail.rfm_segments
        """,
    )
    assert found == {"recency": True, "frequency": True, "monetary": True}
