"""Defects on purpose, and the truth about every one: what a pipeline that reads the lake has to catch.

Which rows are defective follows from the seed, the kind, the table, the day and the row's number in the day, as the
rows themselves do: no matter which blocks are drawn, by whom and in which order. A row has at most one defect; if
several kinds hit it, the one that comes first in :data:`ROW_KINDS` counts.

=================  ====================================================================================================
kind               what it does to a row, or to a file
=================  ====================================================================================================
late               lands in the files of one of the next three days instead of its own
duplicate          is there once more, in the day's next block
newer_version      is there once more, in the day's next block, with one column changed and the partition column's time
                   later on the same day: the later of two rows with the same key is the newer
missing_value      lacks a required value; every file of the table then has a schema where such columns may be null
out_of_range       has a value below the smallest or above the largest valid one
unknown_reference  refers to something that is not there, nor will ever be
unknown_value      has the value ``unknown`` where only some values are valid
unbalanced         has an amount that does not add up with the others
time_travel        has a time, in the partition column, before the shop opened
corrupt_block      a block of an Avro file has flipped bits; the manifest describes it as it was written
older_schema       an Avro file has an earlier schema: without the last nullable column, or with an int for a long
=================  ====================================================================================================

What a kind cannot be done to is left as it is: a table without equations cannot be unbalanced, a null not out of range.
Of order lines it is the order's first that changes.
"""

from __future__ import annotations

from beam_pipelines.defects.rates import AVRO_KINDS, CLEAN, KINDS, ROW_KINDS, Rates

__all__ = ["AVRO_KINDS", "CLEAN", "KINDS", "ROW_KINDS", "Rates"]
