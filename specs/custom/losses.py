# Every loss here returns (loss, gradient with respect to the scores), so that the training loop is one line.
import numpy as np


def softmax_loss(scores, labels):
    """Mean cross-entropy of softmax(scores) against integer labels."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_z = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    log_probs = shifted - log_z
    n = scores.shape[0]
    loss = -log_probs[np.arange(n), labels].mean()
    dscores = np.exp(log_probs)
    dscores[np.arange(n), labels] -= 1
    return loss, dscores / n


def svm_loss(scores, labels):
    """Mean multiclass hinge loss, margin 1."""
    rows = np.arange(len(scores))
    margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
    margins[rows, labels] = 0
    dscores = (margins > 0).astype(float)
    dscores[rows, labels] -= dscores.sum(axis=1)
    return margins.sum() / len(scores), dscores / len(scores)
