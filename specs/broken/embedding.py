"""Looking rows up in a table, and scattering their gradients back."""
import numpy as np


def lookup(table, words):
    return table[words], (table, words)


def backward(dout, cache):
    table, words = cache
    dtable = np.zeros_like(table)
    np.add.at(dtable, words, dout)
    return dtable, None


def backward_assigned(dout, cache):
    table, words = cache
    dtable = np.zeros_like(table)
    dtable[words] = dout
    return dtable, None


def backward_added_in_one_go(dout, cache):
    table, words = cache
    dtable = np.zeros_like(table)
    dtable[words] += dout
    return dtable, None


def backward_without_padding_row(dout, cache):
    dtable, _ = backward(dout, cache)
    dtable[0] = 0
    return dtable, None


def backward_of_integers(dout, cache):
    table, words = cache
    dtable = np.zeros(table.shape, dtype=words.dtype)
    for word, g in zip(words, dout):
        dtable[word] += g.astype(dtable.dtype)
    return dtable, None


def bag(table, words):
    """The sum of the rows of a bag of words."""
    return table[words].sum(axis=0), (table, words)


def bag_backward(dout, cache):
    table, words = cache
    return np.bincount(words, minlength=len(table))[:, None] * dout, None


def bag_backward_by_set(dout, cache):
    table, words = cache
    return np.isin(np.arange(len(table)), words)[:, None] * dout, None
