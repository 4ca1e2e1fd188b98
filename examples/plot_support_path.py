"""
Which measurements matter?
==========================

Of the ten variables of the diabetes data, cross-validation wants five to seven; the path shows in which order they come
in, and what each is worth. A decision about the number of features is seen rather than taken on trust.
"""

# %%
# Least squares with 0, 1, 2, ... coefficients, each set the best that exchanges of members find. Above the
# coefficients, below the score that chooses among the sizes: the best by cross-validation, and the smallest within one
# standard error of it (``one_se=True``).

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes

from skamem import IHTRegressorCV
from skamem.display import SupportPathDisplay

X, y = load_diabetes(return_X_y=True, as_frame=True)
best = IHTRegressorCV().fit(X, y)
small = IHTRegressorCV(one_se=True).fit(X, y)
print("best by cross-validation:     ", *best.support_names_)
print("within one standard error:    ", *small.support_names_)
print("no exchange lowers the loss:  ", best.swap_optimal_ and small.swap_optimal_)
print("\nsize   members of the support")
for support in best.path_.supports:
    print(f"{len(support):4}   " + " ".join(X.columns[support]))

SupportPathDisplay.from_estimator(small, X)
plt.show()
