"""Layer classes in the styles that people write them in; each is right."""

import copy

import numpy as np


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
        self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Dense:
    def __init__(self, n_inputs, n_neurons):
        self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


class Lists:
    def __init__(self, in_features, out_features):
        self.params = [np.random.randn(in_features, out_features), np.zeros(out_features)]
        self.grads = [np.zeros_like(one) for one in self.params]

    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]

    def backward(self, dout):
        self.grads[0][...], self.grads[1][...] = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.params[0].T


class Lazy:
    def __init__(self, units):
        self.units, self.params, self.grads = units, {}, {}

    def forward(self, x):
        if not self.params:
            self.params = {"W": np.random.randn(x.shape[1], self.units), "b": np.zeros(self.units)}
            self.grads = {key: np.zeros_like(value) for key, value in self.params.items()}
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, grad):
        self.grads["W"] += self.x.T @ grad
        self.grads["b"] += grad.sum(axis=0)
        return grad @ self.params["W"].T


class Connected:
    def __init__(self, n_out):
        self.n_out = n_out

    def connect_to(self, prev):
        self.W = np.random.randn(prev.n_out, self.n_out)

    def fprop(self, x):
        self.x, self.y = x, np.tanh(x @ self.W)
        return self.y

    def bprop(self, delta):
        d = delta * (1 - self.y**2)
        self.grad_W = self.x.T @ d
        return d @ self.W.T


class Relu:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class WithOptimizer:
    def __init__(self, n_units, input_shape=None):
        self.n_units, self.input_shape = n_units, input_shape

    def set_input_shape(self, shape):
        self.input_shape = shape

    def initialize(self, optimizer):
        self.W = np.random.randn(self.input_shape[0], self.n_units)
        self.w0 = np.zeros((1, self.n_units))
        self.W_opt, self.w0_opt = copy.copy(optimizer), copy.copy(optimizer)

    def forward_pass(self, X, training=True):
        self.layer_input = X
        return X @ self.W + self.w0

    def backward_pass(self, accum_grad):
        W = self.W
        self.W = self.W_opt.update(self.W, self.layer_input.T @ accum_grad)
        self.w0 = self.w0_opt.update(self.w0, accum_grad.sum(axis=0, keepdims=True))
        return accum_grad @ W.T


class Learning:
    def __init__(self, input_size, output_size):
        self.weights = np.random.rand(input_size, output_size) - 0.5

    def forward_propagation(self, input_data):
        self.input = input_data
        return input_data @ self.weights

    def backward_propagation(self, output_error, learning_rate):
        input_error = output_error @ self.weights.T
        self.weights -= learning_rate * self.input.T @ output_error
        return input_error


class Attributes:
    def __init__(self):
        self.input = None

    def forward(self):
        self.output = self.input**2

    def backward(self):
        self.grad_input = 2 * self.input * self.grad_output


class Parameter:
    def __init__(self, value):
        self.value, self.grad = value, np.zeros_like(value)


class Nested:
    def __init__(self, in_dim, out_dim):
        self.W, self.b = Parameter(np.random.randn(in_dim, out_dim)), Parameter(np.zeros(out_dim))

    def __call__(self, x):
        self.x = x
        return x @ self.W.value + self.b.value

    def backward(self, dy):
        self.W.grad += self.x.T @ dy
        self.b.grad += dy.sum(axis=0)
        return dy @ self.W.value.T


class Multiply:
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x * w

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        return grad_output * w, grad_output * x


class Returns:
    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        return dout @ self.W.T, self.x.T @ dout


made = Lists(3, 5)
