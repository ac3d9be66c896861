import numpy


class Block(object):
    """
    A node of a flow graph. Everything is an attribute: set ``input``, call ``fprop()``, read ``output``;
    set ``output_grad``, call ``bprop()``, read ``input_grad``.
    """
    input = output = input_grad = output_grad = None


class Softmax(Block):
    def fprop(self):
        e = numpy.exp(self.input - numpy.amax(self.input, 1, keepdims=True))
        self.output = e / numpy.sum(e, 1, keepdims=True)

    def bprop(self):
        inner = numpy.sum(self.output * self.output_grad, 1, keepdims=True)
        self.input_grad = self.output * (self.output_grad - inner)


class Bilinear(Block):
    """output[n, k] = sum_ij left[n, i] weights[k, i, j] right[n, j]"""
    left = right = left_grad = right_grad = None

    def __init__(self, weights):
        self.weights = weights

    def fprop(self):
        self.output = numpy.einsum("ni,kij,nj->nk", self.left, self.weights, self.right)

    def bprop(self):
        g = self.output_grad
        self.left_grad = numpy.einsum("nk,kij,nj->ni", g, self.weights, self.right)
        self.right_grad = numpy.einsum("nk,kij,ni->nj", g, self.weights, self.left)
        self.weights_grad = numpy.einsum("nk,ni,nj->kij", g, self.left, self.right)
