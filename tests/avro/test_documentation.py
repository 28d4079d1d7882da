"""docs/avro.md says what is so."""

import re
from pathlib import Path

from beam_pipelines.avro import decoding_kernel as operations
from beam_pipelines.avro import parse_schema
from beam_pipelines.avro.decoder import Decoder

PAGE = (Path(__file__).parents[2] / "docs" / "avro.md").read_text()


def example() -> dict:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict = {}
    exec(code, names)
    return names


def test_the_example_runs(capsys):
    names = example()
    assert names["block"].batch.equals(names["batch"].cast(names["block"].batch.schema))
    assert names["block"].rows == 2


def test_the_bytes_are_those_of_the_example():
    names = example()
    (shown,) = re.findall(r"^((?:[0-9a-f]{2} +)+[0-9a-f]{2})$", PAGE, re.MULTILINE)
    encoded = names["avro"].encode(names["batch"], parse_schema(names["schema"]))
    assert encoded.tobytes().hex() == shown.replace(" ", "")


def test_the_program_is_that_of_the_example():
    code = Decoder(parse_schema(example()["schema"]))._program.code
    shown = re.findall(r"^\| (\d+) \| `([A-Z]+)` \|", PAGE, re.MULTILINE)
    assert [int(at) for at, _ in shown] == list(range(0, len(code), operations.OPERANDS))
    assert [getattr(operations, name) for _, name in shown] == code[:: operations.OPERANDS].tolist()
