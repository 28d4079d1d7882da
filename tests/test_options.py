"""From the options' text to settings, and what is said of text that is none."""

import argparse
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from beam_pipelines import options, tables
from beam_pipelines.defects import AVRO_KINDS, KINDS
from beam_pipelines.formats import CODECS
from beam_pipelines.options import GENERATE, GenerateSettings, LoadSettings, Period, UsageError, add_to
from beam_pipelines.pipelines.beam_options import RetailOptions
from beam_pipelines.pipelines.beam_options import given as given_to_beam
from beam_pipelines.world import World

GOOD: dict[str, Any] = {
    "output": "lake",
    "input": "lake",
    "start_date": "2025-11-10",
    "end_date": "2025-12-09",
    "scale": "0.1",
    "seed": "42",
    "tables": "orders",
    "dimension_history": "none",
    "format": "avro",
    "codec": "null",
    "defect_rate": "0",
    "defects": "none",
    "warehouse": "bigquery://my-project",
    "replay_dead_letters": "true",
}


def given(**changed: Any) -> argparse.Namespace:
    return argparse.Namespace(**GOOD | changed)


def refusal(settings: type[GenerateSettings | LoadSettings], **changed: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        settings.of(given(**changed))
    assert "\n" not in str(caught.value)
    return caught.value


def test_good_values_become_settings():
    assert GenerateSettings.of(given()) == GenerateSettings(
        output="lake",
        period=Period(date(2025, 11, 10), date(2025, 12, 9)),
        world=World(seed=42, scale=0.1),
        tables=("orders",),
        complete_history=False,
        codec="null",
    )
    assert LoadSettings.of(given()) == LoadSettings(
        input="lake",
        period=Period(date(2025, 11, 10), date(2025, 12, 9)),
        warehouse="bigquery://my-project",
        tables=("orders",),
        replays=True,
    )


def test_a_switch_is_true_when_it_has_no_value():
    parser = argparse.ArgumentParser()
    add_to(parser, ["replay_dead_letters", "input"])
    found = [
        vars(parser.parse_args(words))["replay_dead_letters"]
        for words in ([], ["--replay_dead_letters"], ["--replay_dead_letters", "--input=lake"])
    ]
    assert found == ["false", "true", "true"]
    assert parser.parse_args(["--replay_dead_letters=false"]).replay_dead_letters == "false"


def test_defaults_are_the_whole_world_at_scale_one():
    parser = argparse.ArgumentParser()
    options.add_to(parser, options.GENERATE)
    parsed = parser.parse_args(["--output=lake", "--start_date=2019-01-01", "--end_date=2019-01-01"])
    settings = GenerateSettings.of(parsed)
    assert settings.world == World(seed=42, scale=1.0)
    assert settings.tables == tuple(table.name for table in tables.LAKE)
    assert (settings.complete_history, settings.codec, settings.file_format) == (True, "snappy", "avro")
    assert not settings.rates


@pytest.mark.parametrize("scale", ["0.01", "1", "10000", "1e4", "2.5"])
def test_scales_within_bounds_are_taken(scale):
    assert GenerateSettings.of(given(scale=scale)).world.scale == float(scale)


@pytest.mark.parametrize("seed", ["0", str(2**63 - 1)])
def test_seeds_within_bounds_are_taken(seed):
    assert GenerateSettings.of(given(seed=seed)).world.seed == int(seed)


@pytest.mark.parametrize(("start", "end"), [("2019-01-01", "2019-01-01"), ("2039-12-31", "2039-12-31")])
def test_the_first_and_the_last_day_are_taken(start, end):
    assert Period.of(given(start_date=start, end_date=end)) == Period(
        date.fromisoformat(start), date.fromisoformat(end)
    )


def test_tables_come_in_the_order_of_the_domain_and_once():
    assert GenerateSettings.of(given(tables=" orders, customers,,orders")).tables == ("customers", "orders")


@pytest.mark.parametrize("option", ["output", "input"])
def test_a_trailing_slash_makes_no_difference(option):
    settings = GenerateSettings if option == "output" else LoadSettings
    assert getattr(settings.of(given(**{option: "gs://bucket/lake//"})), option) == "gs://bucket/lake"


BAD = {
    "replay_dead_letters": ("one of true, false", ["yes", "True", ""]),
    "scale": (
        "a number from 0.01 to 10,000",
        ["-1", "0", "0.009", "10001", "1e300", "1_0", " 1", "nan", "inf", "-inf", "big", ""],
    ),
    "seed": ("a whole number from 0 to 2**63 - 1", ["-1", "4.5", "forty-two", str(2**63), "1_000", "nan", ""]),
    "start_date": (
        "a day as YYYY-MM-DD",
        ["yesterday", "2025-02-30", "28.11.2025", "2025-1-5", "20251110", "2025-11-10T00:00"],
    ),
    "end_date": ("a day as YYYY-MM-DD", ["today", "2025-13-01", "2025-11"]),
    "format": ("one of avro, parquet, jsonl, csv", ["json", "AVRO", "orc", ""]),
    "codec": ("one of snappy, deflate, zstandard, null, auto", ["zip", "SNAPPY", ""]),
    "defect_rate": ("a number from 0 to 1", ["-0.1", "1.01", "nan", "inf", "much", "", "1%"]),
    "dimension_history": ("one of complete, none", ["all", "Complete"]),
}


@pytest.mark.parametrize(("option", "text"), [(option, text) for option, (_, texts) in BAD.items() for text in texts])
def test_a_bad_value_is_refused_by_option_expectation_and_value(option, text):
    error = refusal(GenerateSettings if option in GENERATE else LoadSettings, **{option: text})
    assert error.option == option
    assert str(error) == f"--{option}: expected {BAD[option][0]}, got {text!r}"


def test_auto_is_the_formats_own_codec():
    codecs = {name: GenerateSettings.of(given(format=name, codec="auto")).codec for name in CODECS}
    assert codecs == {"avro": "snappy", "parquet": "snappy", "jsonl": "null", "csv": "null"}


@pytest.mark.parametrize(("name", "codec"), [(name, codec) for name, codecs in CODECS.items() for codec in codecs])
def test_a_format_takes_its_codecs(name, codec):
    settings = GenerateSettings.of(given(format=name, codec=codec))
    assert (settings.file_format, settings.codec) == (name, codec)


@pytest.mark.parametrize(
    ("name", "codec", "expected"),
    [
        ("parquet", "deflate", "snappy or zstandard or null or auto"),
        ("jsonl", "snappy", "null or auto"),
        ("csv", "zstandard", "null or auto"),
    ],
)
def test_a_codec_that_a_format_has_not_is_refused(name, codec, expected):
    error = refusal(GenerateSettings, format=name, codec=codec)
    assert str(error) == f"--codec: expected {expected} with --format={name}, got {codec!r}"


def rates(**changed: str) -> dict[str, float]:
    return GenerateSettings.of(given(**changed)).rates.by_kind


def test_there_are_no_defects_unless_asked_for():
    assert rates() == rates(defect_rate="0.0") == rates(defects="") == rates(defects="late=0") == {}


def test_a_rate_is_of_every_kind_and_single_ones_take_its_place():
    assert rates(defect_rate="0.01") == dict.fromkeys(KINDS, 0.01)
    expected = dict.fromkeys(KINDS, 0.01) | {"late": 0.5}
    del expected["duplicate"]
    assert rates(defect_rate="0.01", defects=" late = 0.5,duplicate=0,") == expected
    assert rates(defects="late=1") == {"late": 1.0}


@pytest.mark.parametrize("name", [name for name in CODECS if name != "avro"])
def test_what_only_avro_can_have_is_not_asked_of_other_formats(name):
    other = {kind: 0.01 for kind in KINDS if kind not in AVRO_KINDS}
    assert rates(defect_rate="0.01", format=name) == other
    error = refusal(GenerateSettings, format=name, defects="corrupt_block=0.1")
    assert str(error) == f"--defects: expected corrupt_block with --format=avro only, got {name!r}"
    assert rates(format=name, defects="corrupt_block=0") == {}


KINDS_WANTED = f"KIND=RATE, separated by commas, with kinds of {', '.join(KINDS)}"


@pytest.mark.parametrize(
    ("text", "expected", "got"),
    [
        ("early=0.1", KINDS_WANTED, "early=0.1"),
        ("late=0.1,late", KINDS_WANTED, "late"),
        ("late:0.1", KINDS_WANTED, "late:0.1"),
        ("=0.1", KINDS_WANTED, "=0.1"),
        ("late=1.5", "a rate from 0 to 1 for late", "1.5"),
        ("late=0.1,duplicate=x", "a rate from 0 to 1 for duplicate", "x"),
        ("late=nan", "a rate from 0 to 1 for late", "nan"),
        ("late=", "a rate from 0 to 1 for late", ""),
    ],
)
def test_bad_rates_of_kinds_are_refused(text, expected, got):
    error = refusal(GenerateSettings, defects=text)
    assert error.option == "defects"
    assert str(error) == f"--defects: expected {expected}, got {got!r}"


@pytest.mark.parametrize("option", ["start_date", "end_date"])
@pytest.mark.parametrize("text", ["2018-12-31", "2040-01-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_the_world_does_not_have_is_refused(option, text):
    whole = {"start_date": "2019-01-01", "end_date": "2039-12-31"} | {option: text}
    error = refusal(GenerateSettings, **whole)
    assert error.option == option
    assert "a day from 2019-01-01, when the shop opened, to 2039-12-31" in str(error)
    assert repr(text) in str(error)


@pytest.mark.parametrize("settings", [GenerateSettings, LoadSettings])
def test_an_end_before_the_start_is_refused(settings):
    error = refusal(settings, start_date="2025-11-10", end_date="2025-11-09")
    assert str(error) == "--end_date: expected a day on or after start_date (2025-11-10), got '2025-11-09'"


def test_an_unknown_table_is_named_and_the_known_ones_listed():
    error = refusal(GenerateSettings, tables="orders,custumers,order_items")
    assert str(error) == (
        f"--tables: expected names of {', '.join(table.name for table in tables.LAKE)}, separated by commas, "
        "got 'custumers,order_items'"
    )


@pytest.mark.parametrize("text", ["", " ", ",,"])
def test_no_tables_at_all_are_refused(text):
    error = refusal(GenerateSettings, tables=text)
    assert error.option == "tables"
    assert repr(text) in str(error)


REQUIRED = [(GenerateSettings, name) for name in ("output", "start_date", "end_date")]
REQUIRED += [(LoadSettings, name) for name in ("input", "start_date", "end_date", "warehouse")]


@pytest.mark.parametrize(("settings", "option"), REQUIRED)
@pytest.mark.parametrize("text", [None, ""])
def test_a_missing_required_option_is_named_and_explained(settings, option, text):
    error = refusal(settings, **{option: text})
    assert error.option == option
    assert str(error) == f"--{option}: required: {options.OPTIONS[option].help}"


def test_every_option_is_of_a_pipeline_and_described():
    assert set(options.GENERATE) | set(options.LOAD) == set(options.OPTIONS)
    for option in options.OPTIONS.values():
        assert option.required == (option.default is None), option.name
        assert option.help.endswith("."), option.name


def test_beam_has_every_option_as_text():
    arguments = [f"--{name}={value}" for name, value in GOOD.items()]
    assert vars(given_to_beam(RetailOptions(arguments))) == GOOD


def test_help_shows_percent_signs_as_they_are(monkeypatch, capsys):
    monkeypatch.setitem(options.OPTIONS, "scale", replace(options.OPTIONS["scale"], help="100 % of it."))
    parser = argparse.ArgumentParser()
    options.add_to(parser, ["scale"])
    parser.print_help()
    assert "100 % of it." in " ".join(capsys.readouterr().out.split())
