"""
CDMA users apart: a channel shared by codes errs as a sum of coin flips
=======================================================================

Users of one radio channel send at once, each bit multiplied by a code of ±1 chips. Correlation with a code hears its
user, and the others as noise: the exact error is that of a sum of fair signs, from about 8 users on nearly normal.
"""

# %%
# Three users with codes of 31 chips: the channel holds the sum, and correlation tells their bits apart.

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import hadamard
from scipy.special import ndtr

from skamem.analysis import cdma_bit_error
from skamem.core.binding import despread, spread

rng = np.random.default_rng(0)
n_chips = 31
three, sent_by_three = rng.choice([-1, 1], size=(3, n_chips)), np.asarray([1, -1, -1])
signal = spread(sent_by_three, three)
print("sent", sent_by_three, "heard", despread(signal, three).round(2))

# %%
# Bit errors of 1 to 64 users with random codes: 6000 draws of codes for each number, one user heard in each, so that
# errors are independent. Orthogonal codes (the rows of a Hadamard matrix of 32 chips) have no errors, for 32 users at
# most, and only in step with each other.

users = np.asarray([2, 3, 4, 5, 6, 8, 11, 16, 23, 32, 45, 64])
n_draws = 6000
errors = []
for n_users in users:
    codes = rng.choice([-1.0, 1.0], size=(n_draws, n_users, n_chips))
    bits = rng.choice([-1.0, 1.0], size=(n_draws, n_users))
    signals = np.einsum("du,duc->dc", bits, codes)  # of each draw, what `spread` gives
    heard = np.sum(signals * codes[:, 0], axis=1)
    errors.append(np.mean((heard >= 0) != (bits[:, 0] > 0)))
errors = np.asarray(errors)

walsh = hadamard(32).astype(float)
sent = rng.choice([-1.0, 1.0], size=(1000, 32))
assert np.array_equal(np.sign(despread(spread(sent, walsh), walsh)), sent)

# %%

every = np.arange(2, 65)
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9.5, 3.8), layout="constrained", width_ratios=(1, 1.2)
)
left.step(np.arange(n_chips), signal, where="mid", color="black", lw=1, label="channel")
for user, (code, bit) in enumerate(zip(three, sent_by_three, strict=True)):
    chips, label = 0.8 * bit * code - 3 * user - 6, f"user {user + 1}: bit {bit:+d}"
    left.step(np.arange(n_chips), chips, where="mid", lw=1, label=label)
left.set(xlabel="chip", yticks=[-3, -1, 1, 3], title="Three users in one channel")
left.legend(loc="lower center", ncols=2, fontsize="small")
left.set_ylim(-19, 4)

bars, seen = np.sqrt(errors * (1 - errors) / n_draws), errors > 0
limit = ndtr(-np.sqrt(n_chips / (every - 1)))
exact = cdma_bit_error(n_chips, every)
right.plot(every, exact, color="tab:blue", label="exact: sums of fair signs")
right.plot(every, limit, "--", color="tab:orange", label=r"normal limit, $Q(\sqrt{SNR})$")
right.errorbar(
    users[seen], errors[seen], bars[seen], fmt="o", color="tab:blue", capsize=3, label="measured"
)
right.set(xscale="log", yscale="log", ylim=(1e-10, 1))
right.set_xticks([2, 4, 8, 16, 32, 64], [2, 4, 8, 16, 32, 64])
right.minorticks_off()
right.set(xlabel=f"users, each with a random code of {n_chips} chips", ylabel="bits heard wrong")
right.legend()
plt.show()
