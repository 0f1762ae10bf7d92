"""Opens what `--lora` trained in PEFT, on the model it was trained beside, and compares it with the merged model of the same run.

    cargo run --release -- dpo --model BASE --data ROWS.jsonl --lora r=8,alpha=16 --steps 20 --lr 1e-3 --out FOLDER
    python tests/golden/open_adapter.py BASE FOLDER

needs torch, transformers and peft; run by hand. On case tiny after such a run, transformers 5 and PEFT were within 9.5e-07 of the
merged model.
"""

import pathlib
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base, run = map(pathlib.Path, sys.argv[1:])
torch.manual_seed(0)
plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
merged = AutoModelForCausalLM.from_pretrained(run / "final", dtype=torch.float32)
ids = torch.randint(3, plain.config.vocab_size, (4, 48))
with torch.no_grad():
    before = plain(ids).logits.log_softmax(-1)
    right = merged(ids).logits.log_softmax(-1)
    wrapped = PeftModel.from_pretrained(plain, run / "adapter")
    trained = [name for name, _ in wrapped.named_parameters() if "lora_" in name]
    found = wrapped(ids).logits.log_softmax(-1)
moved, apart = (right - before).abs().max().item(), (right - found).abs().max().item()
print(f"{len(trained)} narrow matrices; they move a log-probability by up to {moved:.2f}; PEFT and the merged model are {apart:.1e} apart")
assert apart <= 2e-5 * max(1.0, moved) + 2e-5 and moved > 1e-3
