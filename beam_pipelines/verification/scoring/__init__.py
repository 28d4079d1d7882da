"""What a load made of a lake with defects, scored against the truth about every one of them.

The lake's truth says which row, block and file is defective, and where it lies. Of the warehouse the dead letters, how
many rows each day has, and the rows that the truth names are asked for, in GoogleSQL and in few queries; what is
compared is compared here, in a DuckDB database.

==================  ===================================================================================================
kind                is caught if
==================  ===================================================================================================
missing_value ...   exactly one dead letter is about the row's place, of the reason and the column that the truth names
time_travel         the same, the reason being the partition: the time is on no day of the lake
corrupt_block       a dead letter is about the block, of its length
late                the row is in the partition of its own day, once; if the lake does not have that day, refused
duplicate           the warehouse has one row of that key
newer_version       the warehouse has one row of that key, and it is the newer one
older_schema        no dead letter is about the file, and rows of it are in the warehouse as they are to be read
delivered           no kind: every row that is to be in the warehouse, by the truth, is there
==================  ===================================================================================================

It is strict: a letter of another reason or about another column catches nothing. The defect counts as missed, and the
letter as a false alarm of its own reason's kind, as do letters about what is not defective, and a second letter about
the same. Rows in corrupt blocks cannot be seen: their defects are not counted but as unreadable. Of ``delivered`` a
missed row is one that the warehouse lacks, and a false alarm one that it has and must not have, as far as neither is
said of another kind already.
"""

from __future__ import annotations

from beam_pipelines.verification.scoring.lake_days import Scope
from beam_pipelines.verification.scoring.scores import DELIVERED, Score
from beam_pipelines.verification.scoring.scoring import score
from beam_pipelines.verification.scoring.warehouse import Ask

__all__ = ["DELIVERED", "Ask", "Scope", "Score", "score"]
