"""A small model learns when to stop, or does not: the same conversations, once with the labels of turnwire's samples,
once with labels that leave out what ends a turn (axolotl-ai-cloud/axolotl issue 3754: the curves look fine).

    python examples/learn_to_stop.py                 # plain torch, some seconds on a CPU
    python examples/learn_to_stop.py --trainer trl   # TRL's SFTTrainer, a Qwen3 of two layers

Needs torch (a build for the CPU will do); for TRL also trl, transformers, accelerate and datasets.
"""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

import torch
from torch import nn

import turnwire
from turnwire import Sample

WORDS = ("red", "blue", "green", "black")
MOST = 32  # tokens that a reply may take
torch.set_num_threads(1)  # so small a model gains nothing by more


def conversations() -> list[list[dict[str, Any]]]:
    """A question, a call, its result, an answer."""
    return [
        [
            {"role": "user", "content": f"Paint it {word}"},
            {"role": "assistant", "tool_calls": [{"function": {"name": "paint", "arguments": {"color": word}}}]},
            {"role": "tool", "content": "done"},
            {"role": "assistant", "content": f"It is {word} now."},
        ]
        for word in WORDS
    ]


def wrong_labels(sample: Sample, stops: frozenset[int]) -> list[int]:
    """As masks have them that are found by searching for the text of the replies."""
    return [-100 if i in stops else label for i, label in zip(sample.ids, sample.labels())]


class Small(nn.Module):
    """Two layers of attention, forward only."""

    def __init__(self, vocabulary: int, width: int = 96, longest: int = 512):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(longest, width)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        count = ids.shape[1]
        x = self.tokens(ids) + self.places(torch.arange(count))
        mask = nn.Transformer.generate_square_subsequent_mask(count)
        return self.out(self.layers(x, mask=mask, is_causal=True))


def train_torch(rows: list[tuple[list[int], list[int]]], vocabulary: int, steps: int) -> tuple[Any, float]:
    """The model and its last loss."""
    torch.manual_seed(0)
    model = Small(vocabulary)
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([i + [0] * (longest - len(i)) for i, _ in rows])
    labels = torch.tensor([x + [-100] * (longest - len(x)) for _, x in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loss = torch.tensor(0.0)
    for _ in range(steps):
        where = labels[:, 1:] != -100  # logits of those alone: the vocabulary is what costs
        logits = model(ids)[:, :-1][where]
        loss = nn.functional.cross_entropy(logits, labels[:, 1:][where])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return model, float(loss.detach())


def train_trl(
    rows: list[tuple[list[int], list[int]]], vocabulary: int, steps: int, tokenizer: Any
) -> tuple[Any, float]:
    """The same with TRL, which takes ids and labels as they are."""
    from datasets import Dataset
    from transformers import Qwen3Config, Qwen3ForCausalLM
    from trl import SFTConfig, SFTTrainer

    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=vocabulary, hidden_size=96, intermediate_size=192, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, head_dim=24, tie_word_embeddings=False,
    )  # fmt: skip
    model = Qwen3ForCausalLM(config)
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder, max_steps=steps, per_device_train_batch_size=len(rows), learning_rate=3e-3,
            lr_scheduler_type="constant", report_to=[], save_strategy="no", logging_strategy="no", use_cpu=True,
            bf16=False, gradient_checkpointing=False, disable_tqdm=True, pad_token="<|endoftext|>",
        )  # fmt: skip
        table = Dataset.from_list([{"input_ids": ids, "labels": labels} for ids, labels in rows])
        trainer = SFTTrainer(model, args=arguments, train_dataset=table, processing_class=tokenizer)
        loss = trainer.train().training_loss
    model.eval()
    return lambda ids: model(ids).logits, loss


@torch.no_grad()
def written(model: Any, prompt: list[int], stops: frozenset[int]) -> list[int]:
    """What the model writes, its best guess each time, to a stop token or `MOST` tokens."""
    out: list[int] = []
    while len(out) < MOST and not (out and out[-1] in stops):
        out.append(int(model(torch.tensor([[*prompt, *out]]))[0, -1].argmax()))
    return out


def run(name: str = "qwen3", trainer: str = "torch", steps: int = 60) -> dict[str, dict[str, Any]]:
    """For both labels: how many of the replies end by themselves, how many are what was taught, and the last loss."""
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    stops = frozenset(fmt.stop_token_ids(tokenizer))
    samples = [s for c in conversations() for s in turnwire.samples_from_messages(fmt, c, tokenizer=tokenizer)]
    found: dict[str, dict[str, Any]] = {}
    for mask in ("ours", "without the end"):
        rows = [(s.ids, s.labels() if mask == "ours" else wrong_labels(s, stops)) for s in samples]
        if trainer == "trl":
            model, loss = train_trl(rows, tokenizer.size, steps, hugging_face(tokenizer))
        else:
            model, loss = train_torch(rows, tokenizer.size, steps)
        ended = right = asked = 0
        example = ""
        for sample in samples:
            for turn in (1, 3):
                first = sample.turns.index(turn)
                taught = [i for i, t in zip(sample.ids, sample.turns) if t == turn]
                reply = written(model, sample.ids[:first], stops)
                asked, ended, right = asked + 1, ended + (reply[-1] in stops), right + (reply == taught)
                example = example or fmt.bind(tokenizer).decode(reply)
        found[mask] = {"asked": asked, "ended": ended, "right": right, "loss": loss, "example": example}
    return found


def hugging_face(tokenizer: Any) -> Any:
    """The tokenizer as TRL wants one, though it encodes nothing."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend, pad_token="<|endoftext|>", eos_token="<|im_end|>"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", default="qwen3")
    parser.add_argument("--trainer", default="torch", choices=("torch", "trl"))
    parser.add_argument("--steps", type=int, default=60)
    given = parser.parse_args()
    for mask, what in run(given.format, given.trainer, given.steps).items():
        print(f"labels {mask}: loss {what['loss']:.4f}, {what['ended']} of {what['asked']} replies end by themselves, "
              f"{what['right']} are what was taught")  # fmt: skip
        print(f"  {what['example']!r}")


if __name__ == "__main__":
    main()
