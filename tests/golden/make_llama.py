"""Writes the small random folders of the Llama family, with what transformers makes of them.

    python tests/golden/make_llama.py [NAME...]

needs torch and transformers; the tests only read what it wrote. Each folder holds, besides the model:
  expected.json         pairs of token sequences, the log-prob of every scored token, a DPO loss, and how generate() goes on,
                        always with the likeliest token
  gradient.safetensors  the gradient of that loss with respect to every weight
The model is run in float64 on the weights as they were stored (so f16 and bf16 rounding is no difference).
"""

import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent / "llama"
SHAPE = dict(vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2, max_position_embeddings=64)
BETA = 0.3

CASES = {
    # Grouped queries, own head, written as transformers 5 writes.
    "grouped": dict(num_attention_heads=4, num_key_value_heads=2),
    # One key head for all queries, tied head, a head width and a rotary base of its own, bf16.
    "tied": dict(
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=6,
        rope_theta=500.0,
        tie_word_embeddings=True,
        dtype=torch.bfloat16,
    ),
    # Every query its own key, no head_dim, rotary frequencies divided, f16, in shards, the older config keys.
    "sharded": dict(
        num_attention_heads=2,
        num_key_value_heads=2,
        rope_scaling=dict(rope_type="linear", factor=2.0),
        dtype=torch.float16,
        shards="6KB",
        older=True,
    ),
    # Rotary frequencies scaled as in Llama 3.1.
    "llama3": dict(
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        tie_word_embeddings=True,
        rope_scaling=dict(
            rope_type="llama3",
            factor=4.0,
            low_freq_factor=1.0,
            high_freq_factor=4.0,
            original_max_position_embeddings=16,
        ),
    ),
    # Vectors added after every projection.
    "biased": dict(num_attention_heads=2, num_key_value_heads=1, attention_bias=True, mlp_bias=True),
    # A window that no sequence here is longer than, a head width of its own, bf16.
    "mistral": dict(
        family="Mistral",
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=6,
        sliding_window=40,
        dtype=torch.bfloat16,
    ),
    # Vectors added after the projections to queries, keys and values; the older config keys, f16.
    "qwen2": dict(
        family="Qwen2",
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        dtype=torch.float16,
        older=True,
    ),
    # Heads of queries and keys normalised; they are wider than the model's width over their number.
    "qwen3": dict(family="Qwen3", num_attention_heads=4, num_key_value_heads=2, head_dim=6),
}


def save(case, folder, seed):
    case = dict(case)
    dtype, shards, older = case.pop("dtype", torch.float32), case.pop("shards", "1GB"), case.pop("older", False)
    family = case.pop("family", "Llama")
    config = getattr(transformers, family + "Config")(**SHAPE, rms_norm_eps=1e-5, **case)
    torch.manual_seed(seed)
    model = getattr(transformers, family + "ForCausalLM")(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Far from the flat start of training, so that every part of the model shows in the result.
            norm = weight.dim() == 1 and not name.endswith("bias")
            weight.copy_(torch.randn_like(weight) * (0.2 if norm else 0.5) + norm)
    model.to(dtype).save_pretrained(folder, max_shard_size=shards)
    (folder / "generation_config.json").unlink()
    if older:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        rotary = config.pop("rope_parameters")
        config["rope_theta"] = rotary["rope_theta"]
        if "factor" in rotary:
            config["rope_scaling"] = {"type": rotary["rope_type"], "factor": rotary["factor"]}
        config["torch_dtype"] = config.pop("dtype")
        config.pop("head_dim", None)
        path.write_text(json.dumps(config, indent=2) + "\n")


def logprobs(model, context, scored):
    logits = model(torch.tensor([context + scored])).logits[0].log_softmax(-1)
    return logits[len(context) - 1 : -1].gather(1, torch.tensor(scored)[:, None])[:, 0]


def expect(folder, seed):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    draw = torch.Generator().manual_seed(seed)
    tokens = lambda n: torch.randint(SHAPE["vocab_size"], (n,), generator=draw).tolist()
    pairs, margins = [], []
    for context, chosen, rejected in [(1, 3, 1), (5, 7, 4), (12, 2, 20)]:
        pair = {"context": tokens(context)}
        total = 0
        for side, length, sign in [("chosen", chosen, 1), ("rejected", rejected, -1)]:
            ids = tokens(length)
            logp = logprobs(model, pair["context"], ids)
            reference = logp.detach() + 0.3 * torch.randn(length, generator=draw, dtype=torch.float64)
            pair[side] = {"tokens": ids, "logp": logp.tolist(), "reference": reference.tolist()}
            total = total + sign * (logp - reference).sum()
        pairs.append(pair)
        margins.append(BETA * total)
    loss = -torch.nn.functional.logsigmoid(torch.stack(margins)).mean()
    loss.backward()
    gradient = {name: weight.grad.float().contiguous() for name, weight in model.named_parameters()}
    save_file(gradient, folder / "gradient.safetensors")
    expected = {"beta": BETA, "loss": loss.item(), "pairs": pairs, "continued": continued(model, pairs[1]["context"])}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def continued(model, prompt):
    # Without an end token, which random weights would say at any time.
    model.generation_config.eos_token_id = None
    made = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt)),
        do_sample=False,
        max_new_tokens=16,
        pad_token_id=0,
        output_logits=True,
        return_dict_in_generate=True,
    )
    first, second = torch.stack(made.logits).topk(2).values.unbind(-1)
    assert (first - second).min() > 1e-3, "two words are nearly as likely: take another seed"
    return made.sequences[0, len(prompt) :].tolist()


for seed, (name, case) in enumerate(CASES.items()):
    if sys.argv[1:] and name not in sys.argv[1:]:
        continue
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save(case, folder, seed)
    expect(folder, seed)
    print(name, sorted(path.name for path in folder.iterdir()))
