"""The bench of texts measures every pair of formats on samples of the size it says."""

import json

from bench import text as bench
from mappings import text


def test_every_pair_is_measured_on_both_kinds() -> None:
    found = bench.run(bench.Scale(rounds=1))
    assert found["pairs"] == 72
    assert json.loads(json.dumps(found)) == found
    assert {source: set(row) for source, row in found["kinds"]["dense"].items()} == {
        name: set(bench.FORMATS) for name in bench.FORMATS
    }
    rows = [ms for kind in found["kinds"].values() for row in kind.values() for ms in row.values()]
    assert found["slowest_ms"] == max(rows)
    assert f"{found['within']} of 72 under 5 ms" in bench.told(found)


def test_samples_say_the_same_in_every_format_and_have_their_size() -> None:
    for kind in bench.KINDS:
        given = bench.samples(kind)
        assert all(bench.SIZE <= bench.size(written) < bench.SIZE * 1.2 for written in given.values())
        plain = {form: text.convert(written, form, "plain")[:200] for form, written in given.items() if form != "plain"}
        assert len(set(plain.values())) <= 2  # what cannot be code in one format is words there
