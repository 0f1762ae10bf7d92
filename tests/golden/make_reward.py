"""Writes the small random sequence classifiers of tests/golden/reward, with what transformers makes of them.

    python tests/golden/make_reward.py [NAME...]

needs torch and transformers; the tests only read what it wrote. Each folder holds, besides the model:
  expected.json         token sequences with the values of every state, and a loss on those of each last state:
                        Bradley-Terry's where there is one label, the mean square to ratings where there are five
  gradient.safetensors  the gradient of that loss with respect to every weight
The model is run in float64 on the weights as they were stored.
"""

import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification

HERE = pathlib.Path(__file__).parent / "reward"
SHAPE = dict(vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2, max_position_embeddings=64)
SMALL = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=1)
ATTRIBUTES = ["helpfulness", "correctness", "coherence", "complexity", "verbosity"]

CASES = {
    # One label, own rotary base, the embedding marked as tied (there is no head of words to tie it to).
    "scalar": dict(num_labels=1, num_attention_heads=4, num_key_value_heads=2, rope_theta=500.0, tie_word_embeddings=True),
    # Five labels by name, a head width of its own, bf16.
    "attributes": dict(
        id2label=dict(enumerate(ATTRIBUTES)),
        label2id={name: i for i, name in enumerate(ATTRIBUTES)},
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=6,
        dtype=torch.bfloat16,
    ),
    # The other models of the family, small.
    "mistral": dict(family="Mistral", num_labels=1, num_attention_heads=2, num_key_value_heads=1, sliding_window=None, **SMALL),
    "qwen2": dict(family="Qwen2", num_labels=1, num_attention_heads=2, num_key_value_heads=1, **SMALL),
    "qwen3": dict(family="Qwen3", num_labels=1, num_attention_heads=2, num_key_value_heads=1, head_dim=6, **SMALL),
}


def save(case, folder, seed):
    case = dict(case)
    dtype, family = case.pop("dtype", torch.float32), case.pop("family", "Llama")
    config = getattr(transformers, family + "Config")(**{**SHAPE, **case}, rms_norm_eps=1e-5)
    torch.manual_seed(seed)
    model = getattr(transformers, family + "ForSequenceClassification")(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Far from the flat start of training, so that every part of the model shows in the result.
            norm = weight.dim() == 1 and not name.endswith("bias")
            weight.copy_(torch.randn_like(weight) * (0.2 if norm else 0.5) + norm)
    model.to(dtype).save_pretrained(folder)


def expect(folder, seed):
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    draw = torch.Generator().manual_seed(seed)
    tokens = lambda n: torch.randint(SHAPE["vocab_size"], (n,), generator=draw).tolist()
    # One label is trained on pairs, several on ratings; every second context is that of the sequence before.
    pairs = model.config.num_labels == 1
    sequences, values = [], []
    for place, (context, response) in enumerate([(1, 3), (1, 1), (7, 5), (7, 16)]):
        context = sequences[-1]["context"] if pairs and place % 2 else tokens(context)
        response = tokens(response)
        ids = torch.tensor([context + response])
        # What the class itself answers is the value of the last state.
        every = model.score(model.model(ids).last_hidden_state)[0]
        last = model(ids).logits[0]
        assert torch.allclose(last, every[-1], atol=1e-12)
        values.append(last)
        sequences.append({"context": context, "response": response, "values": every.tolist()})
    values = torch.stack(values)
    if pairs:
        loss = -torch.nn.functional.logsigmoid(values[0::2] - values[1::2]).mean()
    else:
        ratings = torch.randint(5, values.shape, generator=draw)
        loss = ((values - ratings) ** 2).mean()
        for sequence, rated in zip(sequences, ratings.tolist()):
            sequence["ratings"] = rated
    loss.backward()
    gradient = {name: weight.grad.float().contiguous() for name, weight in model.named_parameters()}
    save_file(gradient, folder / "gradient.safetensors")
    (folder / "expected.json").write_text(json.dumps({"loss": loss.item(), "sequences": sequences}, indent=1) + "\n")


for seed, (name, case) in enumerate(CASES.items()):
    if sys.argv[1:] and name not in sys.argv[1:]:
        continue
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save(case, folder, seed)
    expect(folder, seed)
    print(name, sorted(path.name for path in folder.iterdir()))
