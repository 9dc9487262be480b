"""Shapes of samples that trainers take, as plain dicts and lists; none of the trainers is imported.

Checked against TRL 1.16.0 (trl/trainer/sft_trainer.py, grpo_trainer.py), verl 0.9.1
(verl/experimental/agent_loop/agent_loop.py, verl/protocol.py), verifiers 0.4.0 (verifiers/v1/types.py, graph.py,
trace.py), and prime-rl (src/prime_rl/transport/types.py, which is on no package index). What is inserted has mask 0 and
logprob 0.0; what was sampled has the logprob that was given, and if none were, there are none.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import Any

from .errors import InputError
from .samples import Sample


def trl_sft(sample: Sample) -> dict[str, list[int]]:
    """A row for `SFTTrainer`: input_ids and labels, which it takes as they are, completion_mask and assistant_masks."""
    mask = sample.loss_mask
    return {"input_ids": list(sample.ids), "labels": sample.labels(), "completion_mask": mask, "assistant_masks": mask}


def trl_rollout(samples: Iterable[Sample]) -> dict[str, list[Any] | None]:
    """What a `rollout_func` of `GRPOTrainer` returns: prompt_ids, completion_ids, logprobs (None for all, if any has
    none), and env_mask, 1 for what the model wrote."""
    rows = [s.split() for s in samples]
    chances = [r["logprobs"] for r in rows]
    return {
        "prompt_ids": [r["prompt_ids"] for r in rows],
        "completion_ids": [r["completion_ids"] for r in rows],
        "logprobs": chances if None not in chances else None,
        "env_mask": [r["completion_mask"] for r in rows],
    }


def verl_output(sample: Sample, *, reward_score: float | None = None, **more: Any) -> dict[str, Any]:
    """The fields of an `AgentLoopOutput`; `more` are others of its fields."""
    row = sample.split()
    turns = {t for t in sample.turns if t is not None}
    return {
        "prompt_ids": row["prompt_ids"],
        "response_ids": row["completion_ids"],
        "response_mask": row["completion_mask"],
        "response_logprobs": row["logprobs"],
        "reward_score": reward_score,
        "num_turns": max(turns, default=-1) + 1,
        "metrics": {},
        **more,
    }


def verl_batch(
    samples: Iterable[Sample], *, prompt_length: int, response_length: int, pad_token_id: int
) -> dict[str, Any]:
    """The tensors of a `DataProto` of rollouts, as numpy arrays of one row a sample: prompts padded on the left,
    responses on the right, input_ids, attention_mask and position_ids over both, response_mask, and rollout_log_probs
    if there are any. Nothing is cut: a prompt or response that is too long raises `InputError`."""
    np = importlib.import_module("numpy")
    rows = [s.split() for s in samples]
    if not rows:
        raise InputError("no samples", path="samples", expected="one or more")

    def padded(name: str, length: int, fill: float, left: bool, kind: Any) -> Any:
        out = np.full((len(rows), length), fill, kind)
        for n, row in enumerate(rows):
            values = row[name]
            if len(values) > length:
                raise InputError(f"{name} of {len(values)} tokens", value=len(values), path=f"samples[{n}]",
                                 expected=f"at most {length}")  # fmt: skip
            if values:
                out[n, slice(length - len(values), None) if left else slice(len(values))] = values
        return out

    prompts = padded("prompt_ids", prompt_length, pad_token_id, True, np.int64)
    responses = padded("completion_ids", response_length, pad_token_id, False, np.int64)
    there = np.zeros((len(rows), prompt_length + response_length), np.int64)
    for n, row in enumerate(rows):
        there[n, prompt_length - len(row["prompt_ids"]) : prompt_length + len(row["completion_ids"])] = 1
    out = {
        "prompts": prompts,
        "responses": responses,
        "response_mask": padded("completion_mask", response_length, 0, False, np.int64),
        "input_ids": np.concatenate([prompts, responses], 1),
        "attention_mask": there,
        "position_ids": np.clip(np.cumsum(there, 1) - 1, 0, None),
    }
    if all(row["logprobs"] is not None for row in rows):
        out["rollout_log_probs"] = padded("logprobs", response_length, 0.0, False, np.float32)
    return out


def prime_rl_sample(sample: Sample, *, env_name: str = "", temperature: float = 1.0) -> dict[str, Any]:
    """The fields of a `TrainingSample` of prime-rl: the whole sequence, with mask, logprobs and temperatures for each
    token; advantages are the trainer's to fill."""
    mask = [bool(m) for m in sample.loss_mask]
    return {
        "token_ids": list(sample.ids),
        "mask": mask,
        "logprobs": _certain(sample),
        "temperatures": [temperature if m else 1.0 for m in mask],
        "env_name": env_name,
        "advantages": [],
    }


def prime_rl_split(sample: Sample) -> dict[str, Any]:
    """The fields of a `TrainingSample` of prime-rl as it was before: prompt and completion apart."""
    row = sample.split()
    return {
        "prompt_ids": row["prompt_ids"],
        "prompt_mask": [False] * len(row["prompt_ids"]),
        "completion_ids": row["completion_ids"],
        "completion_mask": [bool(m) for m in row["completion_mask"]],
        "completion_logprobs": _certain(sample)[len(row["prompt_ids"]) :],
    }


def verifiers_steps(sample: Sample) -> list[dict[str, Any]]:
    """One step a sampled turn, the fields of a `TrajectoryStepTokens` (`TurnTokens` in verifiers 0.4 takes the prompt,
    the completion and its logprobs): what the model was sent, and what it wrote. A turn that does not count has a
    mask of zeros."""
    chances, mask = _certain(sample), sample.loss_mask
    out: list[dict[str, Any]] = []
    for start, stop in _turns(sample.turns):
        out.append(
            {
                "prompt_ids": sample.ids[:start],
                "prompt_mask": [0] * start,
                "completion_ids": sample.ids[start:stop],
                "completion_mask": mask[start:stop],
                "completion_logprobs": chances[start:stop],
                "overlong_prompt": False,
                "is_truncated": False,
            }
        )
    return out


def verifiers_nodes(sample: Sample) -> list[dict[str, Any]]:
    """One node a sampled turn, fields of a `MessageNode` of verifiers 0.4: the tokens since the node before, their
    mask, and the logprobs of those under it. One behind the other they are the sample up to its last reply.
    """
    chances, mask = _certain(sample), sample.loss_mask
    out: list[dict[str, Any]] = []
    at = 0
    for start, stop in _turns(sample.turns):
        counts = [bool(m) for m in mask[at:stop]]
        out.append(
            {
                "token_ids": sample.ids[at:stop],
                "mask": counts,
                "logprobs": [x for x, m in zip(chances[at:stop], counts) if m],
                "sampled": stop > start,
            }
        )
        at = stop
    return out


def _turns(turns: Sequence[int | None]) -> Iterable[tuple[int, int]]:
    """The ranges of tokens of one sampled turn each."""
    start = 0
    for n in range(1, len(turns) + 1):
        if n == len(turns) or turns[n] != turns[start]:
            if turns[start] is not None:
                yield start, n
            start = n


def _certain(sample: Sample) -> list[float]:
    found = sample.chances()
    if found is None:
        raise InputError("no logprobs were given", path="logprobs", expected="sampled(ids, logprobs)")
    return found
