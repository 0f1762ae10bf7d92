"""Writes trl_policy.json: what TRL's RLOOTrainer and GRPOTrainer measure in twelve steps on recorded rollouts.

    python tests/golden/make_trl_policy.py ASSETS/weights/stories260K-hf

needs torch, transformers and trl; the test only reads what it wrote. The completions are drawn once, from the model as it
is; the trainers then train on them as if they had drawn them, two steps on each, so that in every second step the ratio to
the policy before is not 1. All else is TRL's own: log-probabilities, the drift from the reference, advantages, loss,
gradient, its clipping and AdamW. In file order, no decay, constant rate.
"""

import json
import pathlib
import random
import sys
import tempfile

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

FOLDER = sys.argv[1]
HERE = pathlib.Path(__file__).parent
DRAWS, BATCH, GENERATIONS, ITERATIONS, RATE, LONGEST = 6, 3, 4, 2, 5e-4, 24
BAND = dict(epsilon=0.2, epsilon_high=0.28)
# Since 1.16 TRL multiplies the drift of a token by the ratio unless told not to; our presets follow 1.9, which did not.
PLAIN_DRIFT = dict(use_bias_correction_kl=False)
# Our preset, its settings (TRL's of the same name), what else makes TRL do the same.
RUNS = [
    ("rloo@trl", RLOOConfig, dict(beta=0.05, epsilon=0.2), {}),
    ("grpo@trl", GRPOConfig, dict(beta=0.04, **BAND), dict(loss_type="grpo")),
    ("bnpo@trl", GRPOConfig, dict(beta=0.04, **BAND), dict(loss_type="bnpo")),
    ("dapo@trl", GRPOConfig, dict(beta=0.04, **BAND), dict(loss_type="dapo")),
    ("dr_grpo@trl", GRPOConfig, dict(beta=0.04, **BAND, max_completion_length=LONGEST),
     dict(loss_type="dr_grpo", scale_rewards="none")),
    ("gspo@trl", GRPOConfig, dict(beta=0.04, **BAND), dict(loss_type="grpo", importance_sampling_level="sequence")),
    ("cispo@trl", GRPOConfig, dict(beta=0.04, epsilon_high=1.5), dict(loss_type="cispo")),
    ("two_sided_grpo@trl", GRPOConfig, dict(beta=0.04, **BAND, delta=1.5), dict(loss_type="grpo")),
]  # fmt: skip


def prompts():
    draw = random.Random(3)
    who = ["The cat", "A small bear", "Tom", "Lily", "The old man", "A red bird"]
    does = ["found", "saw a little dog and", "wanted to", "made a big", "was very", "went to the park. He"]
    return [f"One day {draw.choice(who)} {draw.choice(does)}" for _ in range(DRAWS * BATCH)]


def rollouts(model, tokenizer):
    """For each draw, prompt after prompt, its completions: some end by themselves, some are cut."""
    draw, rows = random.Random(4), []
    for prompt in prompts():
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        options = dict(do_sample=True, top_k=0, top_p=1.0, temperature=1.0, max_new_tokens=LONGEST)
        drawn = model.generate(ids, num_return_sequences=GENERATIONS, eos_token_id=None, pad_token_id=0, **options)
        for tokens in drawn[:, ids.shape[1]:].tolist():
            length = draw.randrange(4, LONGEST + 1)
            rows.append(tokens if length == LONGEST else tokens[:length] + [tokenizer.eos_token_id])
    size = BATCH * GENERATIONS
    return [rows[i:i + size] for i in range(0, len(rows), size)]


def worth(tokens):
    """What a completion is worth, of no meaning: a number of its tokens, less a little for its length."""
    return round(sum(token % 5 for token in tokens) / 7 - 0.11 * len(tokens), 3)


class Keep(TrainerCallback):
    def __init__(self):
        self.lines = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            self.lines.append({name: float(logs[name]) for name in ("loss", "grad_norm")})


def train(config, options, drawn):
    leaves_one_out = config is RLOOConfig
    trainer_class = RLOOTrainer if leaves_one_out else GRPOTrainer
    keep, rest = Keep(), iter(drawn)

    class Recorded(trainer_class):
        def _generate_single_turn(self, *_, **__):
            completions = next(rest)
            return completions if leaves_one_out else (completions, None)

        # The log rounds to four digits or so.
        def training_step(self, *args, **kwargs):
            self.exact = super().training_step(*args, **kwargs)
            return self.exact

        def log(self, logs, *args, **kwargs):
            if "loss" in logs:
                logs["loss"] = self.exact.item()
            super().log(logs, *args, **kwargs)

    with tempfile.TemporaryDirectory() as out:
        options = dict(max_completion_length=LONGEST) | options | ({} if leaves_one_out else PLAIN_DRIFT)
        config = config(
            output_dir=out, per_device_train_batch_size=BATCH * GENERATIONS, num_generations=GENERATIONS,
            num_iterations=ITERATIONS, steps_per_generation=1, gradient_accumulation_steps=1, max_steps=DRAWS * ITERATIONS,
            learning_rate=RATE, shuffle_dataset=False, logging_steps=1, report_to=[], save_strategy="no", use_cpu=True,
            bf16=False, gradient_checkpointing=False, lr_scheduler_type="constant", warmup_steps=0, weight_decay=0.0,
            max_grad_norm=1.0, seed=0, disable_tqdm=True, **options,
        )  # fmt: skip
        model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
        reward = lambda completion_ids, **_: [worth(tokens) for tokens in completion_ids]
        data = Dataset.from_list([dict(prompt=prompt) for prompt in prompts()])
        Recorded(
            model=model, args=config, train_dataset=data, reward_funcs=reward, callbacks=[keep],
            processing_class=AutoTokenizer.from_pretrained(FOLDER),
        ).train()  # fmt: skip
    return keep.lines


def main():
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    drawn = rollouts(model, AutoTokenizer.from_pretrained(FOLDER))
    runs = [dict(ours=ours, set=set, metrics=train(config, set | more, drawn)) for ours, config, set, more in RUNS]
    settings = dict(batch=BATCH, generations=GENERATIONS, iterations=ITERATIONS, lr=RATE, longest=LONGEST)
    scores = [[worth(tokens) for tokens in draw] for draw in drawn]
    json_ = lambda value: json.dumps(value, separators=(",", ":"))
    lines = lambda values: "[\n" + ",\n".join(map(json_, values)) + "\n]"
    head = json_(dict(settings=settings, prompts=prompts()))[:-1]
    text = f'{head},\n"drawn":{lines(drawn)},\n"scores":{lines(scores)},\n"runs":{lines(runs)}}}\n'
    (HERE / "trl_policy.json").write_text(text)


main()
