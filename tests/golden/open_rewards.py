"""Opens reward models that Collimate trained and saved in transformers, and compares what they say of answers.

    cargo run --release -- reward-bt --steps 50 --out FOLDER
    cargo run -p collimate-tests --example say_rewards -- FOLDER/final
    python tests/golden/open_rewards.py FOLDER/final...

needs torch and transformers; run by hand. Text goes through the folder's own
tokenizer; the end token is put after it, and the sequence classifier answers at the last token. With transformers 5.23 a model of
reward-meanvar (score, spread) said the same of 80 answers to 1.2e-06, the largest number being 3.87.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

for folder in map(pathlib.Path, sys.argv[1:]):
    expected = json.loads((folder / "rewards.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, report = AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    problems = {what: names for what, names in report.items() if names}
    assert not problems, f"{folder}: {problems}"
    labels = [model.config.id2label[i] for i in range(model.config.num_labels)]
    assert labels == expected["labels"], labels
    spread = torch.tensor([label == "spread" for label in labels])
    apart, largest = 0.0, 0.0
    for answer in expected["answers"]:
        ids = tokenizer(answer["prompt"] + answer["response"])["input_ids"] + [tokenizer.eos_token_id]
        with torch.no_grad():
            found = model(torch.tensor([ids])).logits[0]
        # A spread is stored as what becomes it by softplus.
        found = torch.where(spread, torch.nn.functional.softplus(found), found)
        right = torch.tensor(answer["values"])
        apart = max(apart, (found - right).abs().max().item())
        largest = max(largest, right.abs().max().item())
    count = len(expected["answers"])
    print(f"{type(model).__name__}, {', '.join(labels)}: {count} answers, {apart:.1e} apart, the largest {largest:.2f}")
    assert apart <= 2e-4 * max(1.0, largest), folder
