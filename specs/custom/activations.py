from numpy import cosh, exp, log1p, maximum, tanh

# activation, derivative
def sigmoid(z): return 1.0 / (1.0 + exp(-z))
def sigmoid_prime(z): return sigmoid(z) * (1 - sigmoid(z))

def tanh_prime(z): return 1 / cosh(z) ** 2

def swish(z): return z * sigmoid(z)
def swish_prime(z): return sigmoid(z) + z * sigmoid_prime(z)

def softplus(z): return maximum(z, 0) + log1p(exp(-abs(z)))
softplus_prime = sigmoid

# the derivatives of these take the activation's value
def sigmoid_of_value(a): return a * (1 - a)
def tanh_of_value(a): return 1 - a * a

FUNCTIONS = {"sigmoid": (sigmoid, sigmoid_prime), "tanh": (tanh, tanh_prime), "swish": (swish, swish_prime)}
