"""What a trainer wants beside the rows: LLaMA-Factory's dataset_info.json and a configuration for Axolotl."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

Files = Sequence[tuple[str, str, str]]
"""Part, split and file name of each file of rows."""


def dataset_info(files: Files) -> str:
    """An entry for each file. Once `columns` is given LLaMA-Factory passes over all others: those used are listed."""
    entries = {}
    for part, split, name in files:
        columns = {"messages": "conversations", "system": "system"}
        entry: dict[str, Any] = {"file_name": name, "formatting": "sharegpt"}
        if part == "preference":
            entry["ranking"] = True
            columns |= {"chosen": "chosen", "rejected": "rejected"}
        if part == "kto":
            columns["kto_tag"] = "kto_tag"
        tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
        entries[f"corrections_{part}" + ("" if split == "train" else f"_{split}")] = entry | {
            "columns": columns,
            "tags": tags,
        }
    return orjson.dumps(entries, option=orjson.OPT_INDENT_2).decode() + "\n"


def axolotl_config(files: Files) -> str:
    """The `datasets` of a configuration, one method in force and the others as comments."""
    by_part: dict[str, dict[str, str]] = {}
    for part, split, name in files:
        by_part.setdefault(part, {})[split] = name
    blocks = ["# For `axolotl train`: put this into your configuration, with paths as seen from where you start it.\n"]
    for part, names in by_part.items():
        lines = [] if part == "sft" else [f"rl: {'dpo' if part == 'preference' else 'kto'}"]
        for key, split in (("datasets", "train"), ("test_datasets", "test")):
            if split in names:
                lines += [f"{key}:", *_dataset(part, names[split])]
        if part == "kto":
            lines.append("remove_unused_columns: false")
        mark = "" if part == "sft" else "# "
        blocks.append(f"# {_TITLES[part]}\n" + "".join(f"{mark}{line}\n" for line in lines))
    return "\n".join(blocks)


_TITLES = {
    "sft": "Supervised. Earlier answers of a conversation are learnt too; `--no-history` leaves them out.",
    "preference": "Or by preference (DPO).",
    "kto": "Or answers judged one by one (KTO); ChatML here, llama3.ultra for Llama 3.",
}


def _dataset(part: str, name: str) -> list[str]:
    lines = [f"  - path: {name}", "    ds_type: json", "    split: train"]
    if part == "sft":
        return [*lines, "    type: chat_template", "    roles_to_train: [assistant]", "    train_on_eos: turn"]
    if part == "preference":
        fields = [f"    field_{name}: {name}" for name in ("messages", "chosen", "rejected")]
        return [*lines, "    type: chat_template.default", *fields]
    return [*lines, "    type: chatml.ultra"]
