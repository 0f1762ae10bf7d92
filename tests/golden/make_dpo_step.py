#!/usr/bin/env python3
"""Writes dpo_step.json: a few DPO steps on llama/tied, and what gpu/torch_step.py makes of them in f32 on the CPU.

    make_dpo_step.py        # needs torch and transformers
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WORDS = 32

draw = random.Random(5)
text = lambda: [draw.randrange(WORDS) for _ in range(draw.randint(2, 9))]
pairs = lambda: [{name: text() for name in ("prompt", "chosen", "rejected")} for _ in range(3)]
plan = {"beta": 0.5, "lr": 0.01, "max_grad_norm": 1.0, "steps": [pairs() for _ in range(5)]}
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    (folder / "data.json").write_text(json.dumps(plan))
    (folder / "model").symlink_to(HERE / "llama/tied")
    command = [sys.executable, HERE.parent.parent / "gpu/torch_step.py", folder, "f32", "--device", "cpu"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
result = json.loads(answer.splitlines()[-1])
golden = {"made_with": "torch " + result["torch"], "plan": plan, "losses": result["losses"], "lengths": result["lengths"]}
(HERE / "dpo_step.json").write_text(json.dumps(golden, indent=1) + "\n")
