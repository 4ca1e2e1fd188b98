"""
A sentence in one vector: 35 facts fit into 1024 numbers
========================================================

Roles are bound to fillers by circular convolution and added up. The sum has the length of one word, nested records
included, and tells each filler when it is asked with the role; how many it holds can be predicted.
"""

# %%
# A vocabulary gives every word a random vector. A record binds each value to its role; a record in a record is bound
# as a word is. Asked for a role, the vector answers with the filler and noise from all else, and the most similar word
# is the answer.

import matplotlib.pyplot as plt
import numpy as np

from skamem.analysis import holographic_accuracy
from skamem.core.binding import random_keys, similarity, superpose, unbind
from skamem.structures import Vocabulary

words = Vocabulary(1024, random_state=0).add("mouse", "cheese", "sleeps", "blue", "garden")
sentence = words.encode(
    {
        "agent": {"kind": "dog", "colour": "black"},
        "action": "bites",
        "patient": {"kind": "cat", "colour": "red"},
    }
)
questions = ["action", ("agent", "kind"), ("patient", "kind"), ("patient", "colour")]
for question in questions:
    print(question, "->", words.query(sentence, question))

# %%
# The more parts a sum has, the more noise there is beside each of them. The noise of one pair on a similarity has the
# variance 1 / n, so the accuracy is a single integral over normal variables. Beside it stands what traces of random
# keys and values do: 20 traces for each number of pairs, each asked for all its values among 1000.

n_units, n_candidates, rng = 1024, 1000, np.random.RandomState(0)
numbers = np.asarray([1, 10, 20, 35, 50, 75, 100, 130, 165, 200])
values = random_keys(n_candidates, n_units, random_state=rng)
measured = np.zeros((len(numbers), 20))
for row, n_pairs in zip(measured, numbers, strict=True):
    for trial in range(20):
        keys = random_keys(n_pairs, n_units, random_state=rng)
        chosen = rng.choice(n_candidates, n_pairs, replace=False)
        read = unbind(superpose(keys, values[chosen]), keys)
        row[trial] = np.mean(similarity(read, values).argmax(axis=1) == chosen)

# %%

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9.5, 3.8), layout="constrained", width_ratios=(1, 1.3)
)
rankings = [dict(words.ranking(sentence, question, k=len(words))) for question in questions]
shown = words.symbols
image = left.imshow(
    [[ranking[word] for word in shown] for ranking in rankings], cmap="RdBu_r", vmin=-0.6, vmax=0.6
)
left.set_xticks(range(len(shown)), shown, rotation=60, ha="right")
left.set_yticks(
    range(len(questions)), [q if isinstance(q, str) else " of ".join(q[::-1]) for q in questions]
)
left.set_title("Similarity of answers to words")
figure.colorbar(image, ax=left, location="bottom", shrink=0.8)

pairs = np.arange(1, 201)
for algebra, color in (("hrr", "tab:blue"), ("fhrr", "tab:orange")):
    curve = holographic_accuracy(n_units, pairs, n_candidates, algebra)
    right.plot(
        pairs,
        curve,
        color=color,
        label=f"{'real' if algebra == 'hrr' else 'complex'} vectors, predicted",
    )
error = measured.std(axis=1) / np.sqrt(measured.shape[1])
right.errorbar(
    numbers,
    measured.mean(axis=1),
    error,
    fmt="o",
    color="tab:blue",
    capsize=3,
    label="real, measured",
)
right.set(
    xlabel="pairs in one vector of 1024 numbers", ylabel="values found among 1000", ylim=(0, 1.02)
)
right.legend()
plt.show()
