"""Opens folders that Collimate saved in transformers, and compares the log-probs.

    cargo run -p collimate-tests --example save_changed -- SOURCE_FOLDER NEW_FOLDER
    python tests/golden/open_saved.py NEW_FOLDER...

needs torch and transformers; run by hand.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

for folder in map(pathlib.Path, sys.argv[1:]):
    expected = json.loads((folder / "expected.json").read_text())
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    problems = {what: names for what, names in report.items() if names}
    assert not problems, f"{folder}: {problems}"
    with torch.no_grad():
        ids = torch.tensor([expected["tokens"]])
        logp = model(ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    apart = (logp - torch.tensor(expected["logp"])).abs().max().item()
    print(f"{folder.name}: {type(model).__name__}, log-probs {apart:.1e} apart")
    assert apart <= 2e-4, folder
