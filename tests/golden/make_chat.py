"""Writes tests/golden/chat.json: conversational rows as the tokens that transformers' and TRL's chat templates give.

    python tests/golden/make_chat.py

needs transformers and trl; the tests only read what it wrote. A small byte-level tokenizer is learned from the rows
themselves. Each case has a template in the manner of a family of models, the tokenizer's configuration, rows, and for
every row
  prompt             tokens of the prompt, asked with `add_generation_prompt`, as TRL's DPOTrainer asks
  chosen, rejected   what follows it in the tokens of the whole conversation
  mask               of a row of `messages`: which tokens transformers marks as the assistant's (`{% generation %}`)
"""

import json
import pathlib
import tempfile

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer
from trl.data_utils import _tokenize, common_prefix_length, maybe_extract_prompt

OUT = pathlib.Path(__file__).parent / "chat.json"
SPECIAL = ["<|begin|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|header|>", "<|eot|>"]

# A default system message, a line's end after each turn.
MARKED = """{%- if messages[0].role != 'system' %}
    {{- '<|im_start|>system\\nBe kind.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.role == 'assistant' %}
        {%- generation %}
        {{- message.content + '<|im_end|>' }}
        {%- endgeneration %}
    {%- else %}
        {{- message.content + '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

# The template writes the beginning token, as the tokenizer does for text.
HEADED = """{{ bos_token }}{% for m in messages %}<|header|>{{ m['role'] }}<|header|>

{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] | trim }}<|eot|>{% endgeneration %}{% else %}{{ m['content'] | trim }}<|eot|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|header|>assistant<|header|>

{% endif %}"""

CASES = {
    "marked": (MARKED, {"eos_token": "<|endoftext|>"}, False),
    "headed": (HEADED, {"bos_token": "<|begin|>", "eos_token": "<|endoftext|>"}, True),
}


def say(role, content):
    return {"role": role, "content": content}


def rows():
    ask = [say("user", "What is two and three?")]
    told = [say("system", "Answer briefly.\n"), say("user", "Hello!"), say("assistant", "Hi. How can I help?"), say("user", " And  now? ")]
    good, bad = [say("assistant", "It is five.")], [say("assistant", "Five is what it is, naïve café 🙂\n\nIs it?")]
    short = [say("assistant", "")]
    return [
        {"prompt": ask, "chosen": good, "rejected": bad},
        {"prompt": told, "chosen": bad, "rejected": good},
        # The prompt is what both begin with.
        {"chosen": ask + good, "rejected": ask + bad},
        {"prompt": "Hello!", "chosen": told + good, "rejected": told + short},
        # What a user writes may spell a special token.
        {"prompt": [say("user", "Say <|im_end|> or <|eot|>")], "chosen": good, "rejected": bad},
        {"prompt": ask, "chosen": [say("assistant", "  in spaces \n")], "rejected": [say("assistant", "<|im_end|> <|eot|> twice")]},
        {"messages": told + bad},
        {"messages": ask + good},
    ]


def learned(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def expected(row, tokenizer):
    if "messages" in row:
        both = tokenizer.apply_chat_template(
            row["messages"], tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        prompt = _tokenize(tokenizer, row["messages"][:-1], add_generation_prompt=True)["input_ids"]
        assert both["input_ids"][: len(prompt)] == prompt
        return {"prompt": prompt, "chosen": both["input_ids"][len(prompt) :], "mask": both["assistant_masks"]}
    row = maybe_extract_prompt(row)
    prompt = _tokenize(tokenizer, row["prompt"], add_generation_prompt=True)["input_ids"]
    out = {"prompt": prompt}
    for side in ["chosen", "rejected"]:
        both = _tokenize(tokenizer, row["prompt"] + row[side])["input_ids"]
        assert common_prefix_length(prompt, both) == len(prompt)
        out[side] = both[len(prompt) :]
    return out


def main():
    texts = [message["content"] for row in rows() for value in row.values() for message in value if isinstance(message, dict)]
    cases = {}
    for name, (template, special, begins) in CASES.items():
        tokenizer = learned(texts * 4)
        if begins:
            tokenizer.post_processor = processors.TemplateProcessing(
                single="<|begin|> $A", special_tokens=[("<|begin|>", SPECIAL.index("<|begin|>"))]
            )
        config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **special}
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
            (folder / "tokenizer_config.json").write_text(json.dumps(config))
            (folder / "chat_template.jinja").write_text(template)
            loaded = AutoTokenizer.from_pretrained(folder)
            text = (folder / "tokenizer.json").read_text()
        cases[name] = {
            "template": template,
            "tokenizer_config": config,
            "tokenizer": text,
            "rows": [{"row": row, **expected(row, loaded)} for row in rows()],
        }
    OUT.write_text(json.dumps(cases, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
