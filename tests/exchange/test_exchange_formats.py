"""Every format, read back by what reads it elsewhere: datasets, pyarrow, pandas, DuckDB, OpenAI's own types."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from exchange_values import export, rows_of, varied_log
from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter

from studio.cli.exporting import FORMATS as OFFERED
from studio.exchange.examples import ExampleOptions
from studio.exchange.formats import FORMATS
from studio.exchange.splits import Shares
from studio.storage import DuckDbLog

TRAINING = [name for name, form in FORMATS.items() if not form.whole]
FERRY = "And when does the ferry leave?"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> DuckDbLog:
    return varied_log(tmp_path_factory.mktemp("varied"))


def test_the_command_line_offers_every_format() -> None:
    assert list(OFFERED) == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_datasets_reads_the_folder(log: DuckDbLog, tmp_path: Path, name: str) -> None:
    from datasets import get_dataset_config_names, load_dataset

    shares = Shares() if FORMATS[name].whole else Shares(test=0.3)
    result = export(log, tmp_path / "out", name, shares=shares)
    told = {file.name: file.rows for file in result.files}
    read = {}
    for config in get_dataset_config_names(str(tmp_path / "out")):
        for split, rows in load_dataset(str(tmp_path / "out"), config, cache_dir=str(tmp_path / "cache")).items():
            ending = FORMATS[name].ending
            whole = f"{config}.{ending}" if FORMATS[name].whole else f"{config}-{split}.{ending}"
            read[f"{split}.{ending}" if config == "default" else whole] = len(rows)
    assert read == told


def test_one_edit_yields_all_three_kinds_for_trl(log: DuckDbLog, tmp_path: Path) -> None:
    for name in ("trl-sft", "trl-dpo", "trl-kto"):
        export(log, tmp_path / name, name)
    before = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Is it open?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": FERRY},
    ]
    right, wrong = ([{"role": "assistant", "content": text}] for text in (f"The answer to {FERRY}", "No idea."))
    assert {"prompt": before, "completion": right} in rows_of(tmp_path / "trl-sft" / "train.jsonl")
    assert {"prompt": before, "chosen": right, "rejected": wrong} in rows_of(tmp_path / "trl-dpo" / "train.jsonl")
    kto = rows_of(tmp_path / "trl-kto" / "train.jsonl")
    assert {"prompt": before, "completion": right, "label": True} in kto
    assert {"prompt": before, "completion": wrong, "label": False} in kto
    assert len(kto) == 7, "four in force, one of them without an original"


def test_what_is_not_wanted_is_not_written(log: DuckDbLog, tmp_path: Path) -> None:
    export(log, tmp_path / "bare", "trl-sft", options=ExampleOptions(system=False, history=False))
    bare = rows_of(tmp_path / "bare" / "train.jsonl")
    assert [len(row["prompt"]) for row in bare] == [1, 1, 1, 1]
    assert all(row.keys() == {"prompt", "completion"} for row in bare)
    options = ExampleOptions(rationale=True, default_system="Be kind.")
    export(log, tmp_path / "full", "trl-sft", options=options)
    full = rows_of(tmp_path / "full" / "train.jsonl")
    assert full[0]["rationale"] == "It moved."
    assert full[2]["prompt"][0]["content"] == "Be kind.", "none is on record for what was corrected by command"


def test_openais_own_types_take_the_messages(log: DuckDbLog, tmp_path: Path) -> None:
    messages = TypeAdapter(list[ChatCompletionMessageParam])
    export(log, tmp_path / "sft", "openai-sft")
    export(log, tmp_path / "dpo", "openai-dpo")
    sft, dpo = rows_of(tmp_path / "sft" / "train.jsonl"), rows_of(tmp_path / "dpo" / "train.jsonl")
    for row in sft:
        messages.validate_python(row["messages"])
    ferry = next(row["messages"] for row in sft if row["messages"][-2]["content"] == FERRY)
    assert [message.get("weight") for message in ferry] == [None, None, 0, None, None]
    for row in dpo:
        assert row.keys() == {"input", "preferred_output", "non_preferred_output"}
        for part in (row["input"]["messages"], row["preferred_output"], row["non_preferred_output"]):
            messages.validate_python(part)


def test_llama_factory_finds_files_and_columns(log: DuckDbLog, tmp_path: Path) -> None:
    export(log, tmp_path / "out", "llama-factory", shares=Shares(test=0.3))
    entries = json.loads((tmp_path / "out" / "dataset_info.json").read_text())
    assert {"corrections_sft", "corrections_preference", "corrections_kto", "corrections_sft_test"} <= entries.keys()
    assert entries["corrections_preference"]["ranking"] is True
    for entry in entries.values():
        for row in rows_of(tmp_path / "out" / entry["file_name"]):
            assert row.keys() == set(entry["columns"].values())
            assert {turn["from"] for turn in row["conversations"]} <= {"human", "gpt"}


def test_alpaca_keeps_the_exchanges_before(log: DuckDbLog, tmp_path: Path) -> None:
    export(log, tmp_path / "out", "alpaca")
    ferry = next(row for row in rows_of(tmp_path / "out" / "sft-train.jsonl") if row["instruction"] == FERRY)
    assert ferry["history"] == [["Is it open?", "Yes."]]
    assert ferry["system"] == "Be brief."
    assert len(rows_of(tmp_path / "out" / "preference-train.jsonl")) == 3


def test_axolotls_configuration_names_the_files(log: DuckDbLog, tmp_path: Path) -> None:
    result = export(log, tmp_path / "out", "axolotl")
    text = (tmp_path / "out" / "axolotl.yaml").read_text()
    chosen = yaml.safe_load(text)
    assert chosen["datasets"][0]["path"] == "sft-train.jsonl"
    kto = text.split("KTO")[-1].partition("\n")[2].replace("# ", "")
    assert yaml.safe_load(kto)["rl"] == "kto"
    assert list(result.left_out) == [
        "kto, within a conversation, for which the format has no place",
        "preference, no original answer on record",
    ]


def test_easyedit_is_one_array_of_edits(log: DuckDbLog, tmp_path: Path) -> None:
    export(log, tmp_path / "out", "easyedit")
    edits = json.loads((tmp_path / "out" / "train.json").read_text())
    assert edits[0]["prompt"] == "Where is the harbour?"
    assert edits[0]["target_new"] == "The answer to Where is the harbour?"
    assert edits[0]["ground_truth"] == "No idea."
    assert len(edits) == 3


def test_parquet_is_read_by_arrow_pandas_and_duckdb(log: DuckDbLog, tmp_path: Path) -> None:
    import duckdb
    import pandas as pd
    import pyarrow.parquet

    export(log, tmp_path / "out", "parquet")
    file = str(tmp_path / "out" / "corrections.parquet")
    table = pyarrow.parquet.read_table(file)
    frame = pd.read_parquet(file)
    in_duckdb = duckdb.execute(f"SELECT prompt FROM '{file}'").fetchall()
    assert table["prompt"].to_pylist() == frame["prompt"].tolist() == [row[0] for row in in_duckdb]
    assert frame["created_at"][0].isoformat() == "2026-03-01T22:15:00.123456+00:00"
    assert list(frame["labels"][1]) == ["fact", "tone"]
