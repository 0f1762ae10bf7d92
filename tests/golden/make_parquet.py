"""Writes tests/golden/parquet: the same rows as rows.jsonl and as tables, packed in every way that data sets use.

    python tests/golden/make_parquet.py

needs pyarrow; the tests only read what it wrote.
"""

import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent / "parquet"


def say(role, content, **more):
    return {"role": role, "content": content, **more}


ROWS = [
    {
        "prompt": [say("user", "a b")],
        "chosen": [say("assistant", "é 🙂\n")],
        "rejected": [say("assistant", "")],
        "chosen_score": 1.5,
        "rejected_score": -2,
        "tools": None,
        "note": "x",
        "count": 3,
        "good": True,
    },
    {
        "prompt": [say("system", "s"), say("user", "u"), say("assistant", "", tool_calls=[{"name": "f"}]), say("tool", "t")],
        "chosen": [say("assistant", "c")],
        "rejected": [say("assistant", "r")],
        "chosen_score": 0.1,
        "rejected_score": 1e-300,
        "tools": [{"name": "f", "type": None}],
        "note": None,
        "count": None,
        "good": False,
    },
    {
        "prompt": [say("user", "the last")],
        "chosen": [say("assistant", "one")],
        "rejected": [say("assistant", "two")],
        "chosen_score": 3,
        "rejected_score": 4,
        "tools": [],
        "note": "",
        "count": -1,
        "good": None,
    },
]


def main():
    HERE.mkdir(exist_ok=True)
    (HERE / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS))
    table = pa.Table.from_pylist(ROWS)
    for kind in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]:
        # Two groups of rows, so that a row's number is not its number in its group.
        pq.write_table(table, HERE / f"{kind}.parquet", compression=kind, row_group_size=2)
    odd = pa.table({"prompt": ["p", "p"], "completion": ["c", "c"], "weight": [1.0, float("nan")]})
    pq.write_table(odd, HERE / "odd.parquet")


if __name__ == "__main__":
    main()
