"""Which numbers a table had given by a day."""

from datetime import date
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines import lake, tables
from beam_pipelines.lake import LakeFile
from beam_pipelines.transforms.references import DayKey, LastKeys, day_key

days_of_keys = st.dictionaries(st.integers(0, 30), st.integers(0, 1000), max_size=10)


def test_the_last_number_of_a_day_is_that_of_its_manifest():
    files = [LakeFile(lake.file_name(part, 2), 1, 1, 1, "", {}, {}, key) for part, key in enumerate((17, 12))]
    manifest = lake.manifest_of(
        tables.ORDERS, date(2025, 11, 28), world=1, seed=42, scale=1, codec="snappy", files=files
    )
    assert day_key(manifest) == DayKey("orders", date(2025, 11, 28).toordinal(), 17)


@given(
    st.dictionaries(st.sampled_from(["orders", "customers"]), days_of_keys.filter(len)),
    st.randoms(use_true_random=False),
)
def test_by_a_day_a_table_has_the_highest_number_of_the_days_up_to_it(by_table, random: Random):
    keys = [DayKey(table, day, key) for table, days in by_table.items() for day, key in days.items()]
    random.shuffle(keys)
    known = LastKeys(keys)
    asked = np.arange(-1, 32)
    for table, days in by_table.items():
        expected = [max((key for day, key in days.items() if day <= by), default=0) for by in asked.tolist()]
        assert known.by(table, asked).tolist() == expected


def test_a_day_that_comes_twice_counts_with_the_higher_number():
    known = LastKeys([DayKey("orders", 3, 9), DayKey("orders", 3, 12), DayKey("orders", 3, 10)])
    assert known.by("orders", np.array([2, 3, 4])).tolist() == [0, 12, 12]


def test_of_a_table_that_is_not_in_the_lake_any_number_may_be_one():
    known = LastKeys([DayKey("orders", 3, 9)])
    assert known.by("products", np.array([1, 2])).tolist() == [2**63 - 1] * 2
