"""Packages that the benchmark of Boltzmann machines compares, each trained for a number of epochs.

A trainer takes (X, n_hidden, n_epochs, rate) and returns the components and both biases. rbms and learnergy are left
out where they are not installed (the extra `bench` has them). rbms is called as its own training loop calls it, without
the files that this writes at every update; learnergy has no persistent chains and trains by CD-1.
"""

import logging

import numpy as np
from sklearn.neural_network import BernoulliRBM

try:
    import torch
    from rbms.bernoulli_bernoulli.classes import BBRBM
    from rbms.training.pcd import fit_batch_pcd
except ImportError:
    BBRBM = None
try:
    from learnergy.models.bernoulli import RBM
except ImportError:
    RBM = None

BATCH = 100


def trainers():
    """Installed packages, each with its trainer and the rates to try: steps of rbms have the length of the rate."""
    found = {"BernoulliRBM": (_scikit_learn, (0.05, 0.1, 0.2, 0.4))}
    if BBRBM is not None:
        found["rbms"] = (_rbms, (0.01, 0.03, 0.1, 0.3))
    if RBM is not None:
        logging.disable(logging.INFO)
        found["learnergy"] = (_learnergy, (0.05, 0.1, 0.2, 0.4))
    return found


def _scikit_learn(X, n_hidden, n_epochs, rate):
    machine = BernoulliRBM(n_hidden, learning_rate=rate, batch_size=BATCH, n_iter=n_epochs, random_state=0).fit(X)
    return machine.components_, machine.intercept_visible_, machine.intercept_hidden_


class _Data:
    def __init__(self, data):
        self.data = data


def _rbms(X, n_hidden, n_epochs, rate):
    torch.manual_seed(0)
    data = torch.from_numpy(X)
    machine = BBRBM.init_parameters(n_hidden, _Data(data), torch.device("cpu"), torch.float32)
    chains = machine.init_chains(BATCH)
    machine.init_grad()
    optimizer = torch.optim.SGD(machine.parameters(), lr=rate, maximize=True)
    weights = torch.ones(BATCH)
    with torch.no_grad():
        for _ in range(n_epochs * -(-len(X) // BATCH)):
            batch = data[torch.randperm(len(data))[:BATCH]]
            optimizer.zero_grad(set_to_none=False)
            chains, _ = fit_batch_pcd((batch, weights), chains, machine, gibbs_steps=1, beta=1.0)
            optimizer.step()
    return machine.weight_matrix.T.numpy(), machine.vbias.numpy(), machine.hbias.numpy()


def _learnergy(X, n_hidden, n_epochs, rate):
    torch.manual_seed(0)
    machine = RBM(X.shape[1], n_hidden, learning_rate=rate)
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.zeros(len(X)))
    machine.fit(data, batch_size=BATCH, epochs=n_epochs)
    parameters = machine.W.T, machine.a, machine.b
    return tuple(np.ascontiguousarray(values.detach().numpy()) for values in parameters)
