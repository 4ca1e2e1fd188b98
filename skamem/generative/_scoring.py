"""What estimators that know a likelihood share: the score that searches use, and the word about a doubtful ln Z."""

from abc import ABC

from skamem.core import arrays
from skamem.core.base import SkamemEstimator
from skamem.core.warn import warn

__all__ = ["LikelihoodEstimator"]


class LikelihoodEstimator(SkamemEstimator, ABC):
    """Abstract base of estimators with ``score_samples``, log-likelihoods in nats."""

    def score(self, X, y=None):
        """Mean log-likelihood of the rows, in nats: higher is better, also on rows that were never seen.

        Parameters
        ----------
        X : array-like or csr matrix of shape (n_samples, n_features)
            Visible units.
        y : None
            Ignored.

        Returns
        -------
        score : float
            Mean of `score_samples`.
        """
        values = self.score_samples(X)
        return float(arrays.namespace(values).mean(values))

    def _voice_doubts(self, found, remedy):
        """Warn when the `LogPartition` that was found is not to be trusted."""
        if found.doubts:
            warn(
                f"ln Z = {found.value:.2f} +- {found.standard_error:.2f} of this {type(self).__name__} is not to be "
                f"trusted: {found.doubts}. {remedy}"
            )
