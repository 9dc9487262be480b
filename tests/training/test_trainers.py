"""Rows of samples in the libraries that train on them: TRL's collator, packing and trainers, verl's rollouts and
DataProto, verifiers' types, and prime-rl's, which are on no package index and written down here from its source."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import turnwire
from turnwire import Call, Conversation, Sample, Text, Turn, pack, trainers
from turnwire.errors import InputError

QWEN = turnwire.get_format("qwen3")
TOK = turnwire.small_tokenizer(QWEN)
PAD = 0


def loop(turns: int) -> Sample:
    """A question, calls and results, an answer; logprobs that say which token they are of."""
    talk = Conversation(QWEN, TOK)
    talk.add([{"role": "user", "content": "Rain?"}])
    for n in range(turns):
        last = n == turns - 1
        turn = Turn("assistant", (Text("No rain, none."),) if last else (Call("look", {"n": n}),))
        ids = QWEN.render_reply(turn, TOK, prompt=talk.prompt()).ids
        talk.sampled(ids, [-(n + k / 100) for k in range(len(ids))], "stop")
        if not last:
            talk.add([{"role": "tool", "content": f"result {n}"}])
    (sample,) = talk.samples()
    return sample


SAMPLES = [loop(1), loop(3), loop(2)]


def test_trl_collates_what_we_give_it() -> None:
    torch, sft = module("torch"), module("trl.trainer.sft_trainer")
    rows = [trainers.trl_sft(s) for s in SAMPLES]
    out = sft.DataCollatorForLanguageModeling(pad_token_id=PAD)(rows)
    for n, s in enumerate(SAMPLES):
        assert out["input_ids"][n, : len(s)].tolist() == s.ids and out["attention_mask"][n].sum() == len(s)
        kept = out["labels"][n][out["labels"][n] != -100].tolist()
        assert kept == [i for i, m in zip(s.ids, s.mask) if m]
    assert out["labels"].dtype == torch.int64


def test_trl_packs_as_we_do() -> None:
    """Positions, boundaries and labels of a packed row are those of TRL's own collator."""
    sft, datasets, trl = module("trl.trainer.sft_trainer"), module("datasets"), module("trl")
    length = max(map(len, SAMPLES)) + min(map(len, SAMPLES))
    rows = pack(SAMPLES, length)
    collate = sft.DataCollatorForLanguageModeling(pad_token_id=PAD, padding_free=True)
    for row in rows:
        out, ours = collate([row.to_dict()]), row.to_numpy()
        assert out["input_ids"][0].tolist() == row.ids and out["labels"][0].tolist() == row.labels
        assert out["position_ids"][0].tolist() == row.position_ids
        assert out["cu_seq_lens_q"].tolist() == ours["cu_seqlens"].tolist()
        assert str(out["cu_seq_lens_q"].dtype) == f"torch.{ours['cu_seqlens'].dtype}"
        assert out["seq_idx"][0].tolist() == row.sequence_ids and out["max_length_q"] == ours["max_seqlen"]
    table = datasets.Dataset.from_list([{"input_ids": s.ids, "labels": s.labels()} for s in SAMPLES])
    theirs = trl.pack_dataset(table, length, "bfd")
    assert sorted(map(len, rows)) == sorted(len(r["input_ids"]) for r in theirs)


def test_trl_takes_a_rollout() -> None:
    """What `GRPOTrainer` asks of a `rollout_func`, and does with it (grpo_trainer.py, `_generate`)."""
    torch, grpo, utils = module("torch"), module("trl.trainer.grpo_trainer"), module("trl.trainer.utils")
    out = trainers.trl_rollout(SAMPLES)
    asked: set[str] = {"prompt_ids", "completion_ids", "logprobs"}
    source = importlib.import_module("inspect").getsource(grpo.GRPOTrainer)
    assert "rollout_func must return keys" in source and all(f'"{name}"' in source for name in (*asked, "env_mask"))
    assert asked <= out.keys()
    masks = utils.pad([torch.tensor(m) for m in out["env_mask"] or ()], padding_value=1, padding_side="right")
    for n, s in enumerate(SAMPLES):
        prompt, completion = (out[k][n] for k in ("prompt_ids", "completion_ids"))  # type: ignore[index]
        assert prompt + completion == s.ids and len(out["logprobs"][n]) == len(completion)  # type: ignore[index]
        sampled = [i for i, m in zip(completion, masks[n].tolist()) if m]
        assert sampled == [i for i, m in zip(s.ids, s.mask) if m]


def test_verl_takes_a_rollout() -> None:
    agent_loop = module("verl.experimental.agent_loop.agent_loop")
    for s in SAMPLES:
        made = agent_loop.AgentLoopOutput(**{**trainers.verl_output(s, reward_score=1.0), "metrics": {}})
        assert made.prompt_ids + made.response_ids == s.ids and len(made.response_mask) == len(made.response_ids)
        tensors = made.as_dict()
        kept = tensors["responses"][tensors["response_mask"].bool()].tolist()
        assert kept == [i for i, m in zip(s.ids, s.mask) if m]
        assert tensors["rollout_log_probs"].shape == tensors["responses"].shape and tensors["rm_scores"][-1] == 1.0


def test_verl_takes_a_batch() -> None:
    torch, protocol, model = module("torch"), module("verl.protocol"), module("verl.utils.model")
    batch = trainers.verl_batch(SAMPLES, prompt_length=40, response_length=90, pad_token_id=PAD)
    data = protocol.DataProto.from_dict(tensors={k: torch.from_numpy(v) for k, v in batch.items()})
    assert len(data) == 3 and data.batch["input_ids"].shape == (3, 130)
    positions = model.compute_position_id_with_mask(data.batch["attention_mask"])
    assert torch.equal(data.batch["position_ids"], positions)
    for n, s in enumerate(SAMPLES):
        assert data.batch["input_ids"][n][data.batch["attention_mask"][n].bool()].tolist() == s.ids
        kept = data.batch["responses"][n][data.batch["response_mask"][n].bool()].tolist()
        assert kept == [i for i, m in zip(s.ids, s.mask) if m]
        given = [x for x in s.logprobs if x is not None]
        under = data.batch["rollout_log_probs"][n][data.batch["response_mask"][n].bool()].tolist()
        assert under == pytest.approx(given)


def test_a_batch_cuts_nothing() -> None:
    pytest.importorskip("numpy")
    with pytest.raises(InputError, match="at most 8"):
        trainers.verl_batch(SAMPLES, prompt_length=40, response_length=8, pad_token_id=PAD)


def test_verifiers_takes_turns_and_nodes() -> None:
    types, graph = module("verifiers.v1.types"), module("verifiers.v1.graph")
    for s in SAMPLES:
        steps = trainers.verifiers_steps(s)
        for step in steps:
            tokens = types.TurnTokens(**{k: step[k] for k in ("prompt_ids", "completion_ids", "completion_logprobs")})
            assert (
                s.ids[: len(tokens.prompt_ids) + len(tokens.completion_ids)]
                == tokens.prompt_ids + tokens.completion_ids
            )
        assert [i for step in steps for i in step["completion_ids"]] == [i for i, m in zip(s.ids, s.mask) if m]
        said = types.AssistantMessage(content="")
        nodes = [graph.MessageNode(message=said, **n) for n in trainers.verifiers_nodes(s)]
        assert [i for n in nodes for i in n.token_ids] == s.ids and [m for n in nodes for m in n.mask] == s.mask
        assert [x for n in nodes for x in n.logprobs] == [x for x in s.logprobs if x is not None]


PRIME_RL = {  # src/prime_rl/transport/types.py, TrainingSample: the fields without a default, at two times
    "token_ids": list, "mask": list, "logprobs": list, "temperatures": list, "env_name": str, "advantages": list,
}  # fmt: skip
PRIME_RL_SPLIT = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "completion_logprobs")
STEP = {*PRIME_RL_SPLIT, "overlong_prompt", "is_truncated"}  # verifiers/types.py, TrajectoryStepTokens


def test_prime_rl() -> None:
    for s in SAMPLES:
        row = trainers.prime_rl_sample(s, env_name="rain", temperature=0.7)
        assert {k: type(v) for k, v in row.items()} == PRIME_RL
        assert {len(row[k]) for k in ("token_ids", "mask", "logprobs", "temperatures")} == {len(s)}
        assert row["mask"] == s.mask and all(type(m) is bool for m in row["mask"])
        split = trainers.prime_rl_split(s)
        assert tuple(split) == PRIME_RL_SPLIT and split["prompt_ids"] + split["completion_ids"] == s.ids
        assert len(split["completion_ids"]) == len(split["completion_mask"]) == len(split["completion_logprobs"])
        assert all(set(step) == STEP for step in trainers.verifiers_steps(s))


def module(name: str) -> Any:
    """A trainer's module; skips where it, or what it needs, is not installed."""
    try:
        return importlib.import_module(name)
    except (ImportError, TypeError) as e:  # TypeError: versions of its own dependencies that do not fit
        pytest.skip(f"{name}: {type(e).__name__}: {e}")
