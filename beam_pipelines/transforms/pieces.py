"""A piece of the work: valid rows go into staged files, what follows from them too, and all is accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.schema import Column, Table
from beam_pipelines.transforms import sales, sessions
from beam_pipelines.transforms.accounting import NOTHING, Account, Amounts, amounts_of
from beam_pipelines.transforms.deduplication import one_batch, plain
from beam_pipelines.transforms.partitions import Partition
from beam_pipelines.transforms.staging import Contributed, Contribution, StagedFiles


@dataclass
class Piece:
    """What becomes of some rows of one lake table."""

    table: Table
    files: StagedFiles
    products: sales.ProductVersions | None = None
    """For the lines of orders; None for other tables."""
    accounts: dict[Partition, Account] = field(default_factory=dict)
    sold: dict[str, sales.Sales] = field(default_factory=dict)
    """What the loaded orders of each partition sold."""
    _sessions: dict[str, list[pa.RecordBatch]] = field(default_factory=dict)
    versions: list[pa.RecordBatch] = field(default_factory=list)
    """The loaded versions of products."""

    def account(self, table_name: str, partition: str, account: Account) -> None:
        """Adds to the account of a table's partition."""
        key = (table_name, partition)
        self.accounts[key] = self.accounts.get(key, NOTHING) + account

    def load(
        self,
        partition: str,
        batch: pa.RecordBatch,
        amounts: Amounts | None = None,
        lines: sales.Lines | None = None,
    ) -> None:
        """Loads valid rows, each key once, into a partition, and what is derived from them into others.

        Args:
            partition: Where the rows belong to.
            batch: The rows.
            amounts: Their sums, if they are known.
            lines: Their lines, if they are orders and the lines are known.
        """
        if not batch.num_rows:
            return
        self.files.add(self.table, partition, batch)
        sums = amounts_of(tables.BY_NAME[self.table.name], batch) if amounts is None else amounts
        self.account(self.table.name, partition, Account(rows_loaded=batch.num_rows, amounts_loaded=sums))
        if self.table.name == tables.ORDERS.name:
            self._load_lines(partition, batch, sums, lines)
        elif self.table.name == tables.WEB_EVENTS.name:
            self._sessions.setdefault(partition, []).append(sessions.parts_of(batch))
        elif self.table.name == tables.PRODUCTS.name:
            self.versions.append(plain(batch))

    def _load_lines(self, partition: str, orders: pa.RecordBatch, sums: Amounts, lines: sales.Lines | None) -> None:
        """Loads the lines of orders; what they are to be is taken from the orders, what they are from themselves."""
        assert self.products is not None
        items = sales.order_items(orders, lines or sales.lines_of(orders, self.products), self.products)
        self.files.add(tables.ORDER_ITEMS, partition, items)
        account = Account(
            rows_in=len(orders.column("items").flatten()),
            rows_loaded=items.num_rows,
            amounts_in=sales.amounts_of_lines(sums),
            amounts_loaded=amounts_of(tables.ORDER_ITEMS, items),
        )
        self.account(tables.ORDER_ITEMS.name, partition, account)
        self.sold[partition] = self.sold.get(partition, sales.NO_SALES) + sales.sales_of(items)

    def refuse(self, partition: str, letters: pa.RecordBatch) -> None:
        """Puts dead letters where they belong to."""
        table = tables.dead_letters(tables.BY_NAME[self.table.name])
        self.files.add(table, partition, letters)
        account = Account(rows_in=letters.num_rows, rows_loaded=letters.num_rows)
        self.account(table.name, partition, account)

    def sessions(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The sessions of the loaded web events of each partition, as parts that may belong to others elsewhere."""
        for partition, parts in self._sessions.items():
            yield partition, sessions.joined(parts)

    def product_versions(self) -> pa.RecordBatch | None:
        """The loaded versions of products, None if there are none."""
        return one_batch(self.versions) if self.versions else None

    def contributions(self, more_columns: tuple[Column, ...]) -> Iterator[Contributed]:
        """What it all adds to each partition. Ends the staged files."""
        staged = self.files.close()
        for partition, account in self.accounts.items():
            more = more_columns if partition[0] == self.table.name else ()
            yield partition, Contribution(account, staged.get(partition), more)
