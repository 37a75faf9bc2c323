"""The encoder learns: one network, all questions at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from nlp.training.encoder import bert
from nlp.training.encoder.batches import Batch

Floats = NDArray[np.float32]

HEAD: Final = ("head.w", "head.b")
"""hidden x columns and columns: the questions, then the fine intents."""
_FINE_WEIGHT: Final = 0.5
"""What one fine intent counts beside the mean over a lesson's questions times their number over ten."""
_WARM_UP: Final = 0.06
_DECAY: Final = 0.01
_LONGEST_GRADIENT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast the encoder and its new head learn, at most (linear warm-up, linear fall to nothing)."""

    encoder: float = 1.0e-4
    head: float = 1.0e-3


def with_head(weights: bert.Weights, *, columns: int, seed: int) -> bert.Weights:
    """The encoder's weights with a new head."""
    hidden = weights["word"].shape[1]
    head = jax.random.normal(jax.random.PRNGKey(seed), (hidden, columns)) * 0.02
    return {**weights, "head.w": head, "head.b": jnp.zeros(columns)}


def scores(weights: bert.Weights, ids: jax.Array, mask: jax.Array, own: jax.Array, *, config: bert.Config) -> jax.Array:
    """Rows x columns: log-odds of the questions, then scores of the fine intents."""
    # On a CPU bf16 gained a quarter at most (docs/adr/0009), and one without such products would lose much.
    precision = jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16
    encoder = {name: value for name, value in weights.items() if name not in HEAD}
    hidden = bert.hidden_states(encoder, ids, mask, config=config, precision=precision)
    return bert.pooled(hidden, own) @ weights["head.w"] + weights["head.b"]


def loss(given: jax.Array, batch: Batch) -> jax.Array:
    """Cross-entropy of the questions that have answers, and of the fine intents where there is one."""
    questions = batch.answers.shape[1]
    each = optax.sigmoid_binary_cross_entropy(given[:, :questions], batch.answers) * batch.weights
    total = each.sum() / 10
    if given.shape[1] > questions:
        known = batch.fine >= 0
        fine = optax.softmax_cross_entropy_with_integer_labels(given[:, questions:], jnp.maximum(batch.fine, 0))
        total += _FINE_WEIGHT * (fine * known).sum()
    return jnp.asarray(total / batch.ids.shape[0])


def learn(
    weights: bert.Weights,
    config: bert.Config,
    batches: Iterable[Batch],
    *,
    steps: int,
    rates: Rates,
    progress: Callable[[int, float], None],
) -> bert.Weights:
    """Learn from each batch once.

    Args:
        weights: with a head.
        config: of the encoder.
        batches: in the order of learning.
        steps: how many batches come, for the rates; more than that learn nothing.
        rates: of learning.
        progress: told after each batch its number and its loss.
    """
    optimiser = _optimiser(steps, rates)
    state = optimiser.init(weights)

    @jax.jit
    def step(
        weights: bert.Weights, state: optax.OptState, batch: Batch
    ) -> tuple[bert.Weights, optax.OptState, jax.Array]:
        def wrong(weights: bert.Weights) -> jax.Array:
            read = (jnp.asarray(part) for part in (batch.ids, batch.mask, batch.own))
            return loss(scores(weights, *read, config=config), batch)

        value, gradient = jax.value_and_grad(wrong)(weights)
        updates, state = optimiser.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state, value

    for number, batch in enumerate(batches, start=1):
        weights, state, value = step(weights, state, batch)
        progress(number, float(value))
    return weights


def _optimiser(steps: int, rates: Rates) -> optax.GradientTransformation:
    def falling(rate: float) -> optax.GradientTransformation:
        warm = max(1, int(steps * _WARM_UP))
        schedule = optax.warmup_cosine_decay_schedule(0.0, rate, warm, max(steps, warm + 1))
        return optax.adamw(schedule, weight_decay=_DECAY)

    parts = {"encoder": falling(rates.encoder), "head": falling(rates.head)}

    def part_of(weights: bert.Weights) -> dict[str, str]:
        return {name: "head" if name in HEAD else "encoder" for name in weights}

    return optax.chain(optax.clip_by_global_norm(_LONGEST_GRADIENT), optax.multi_transform(parts, part_of))


_answering = jax.jit(scores, static_argnames="config")


def answered(weights: bert.Weights, config: bert.Config, batch: Batch, *, rows: int) -> tuple[Floats, Floats, Floats]:
    """Scores, answers and their weights of the first `rows` rows of a batch."""
    read = (jnp.asarray(part) for part in (batch.ids, batch.mask, batch.own))
    given = _answering(weights, *read, config=config)
    return np.asarray(given)[:rows], batch.answers[:rows], batch.weights[:rows]


jax.tree_util.register_dataclass(Batch, list(Batch.__dataclass_fields__), [])
