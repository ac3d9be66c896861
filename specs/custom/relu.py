class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = (x <= 0)
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dx = dout.copy()
        dx[self.mask] = 0
        return dx


class LeakyRelu(Relu):
    def __init__(self, slope=0.01):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        out = super().forward(x)
        out[self.mask] = self.slope * x[self.mask]
        return out

    def backward(self, dout):
        return super().backward(dout) + self.slope * dout * self.mask
