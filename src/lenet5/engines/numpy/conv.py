"""Convolution: the inner product of every kernel with every patch of the input maps.

    y[n, k, h, w] = bias[k] + sum over c, r, s of weight[k, c, r, s] x[n, c, h + r, w + s]

The patches are laid out as the columns of a matrix (im2col), so that the forward pass and both gradients are matrix
products. (Strictly it is a cross-correlation, as in the 1998 paper and every framework: the kernel is not flipped.)
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lenet5.engines.contract import Float, Weights


def patches_of(x: Float, R: int, S: int) -> Float:
    """Copy every R x S patch of x (N, C, H, W) into a column: (N, C R S, H' W')."""
    N, C, H, W = x.shape
    windows = sliding_window_view(x, (R, S), axis=(2, 3))  # (N, C, H', W', R, S), a view
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * R * S, (H - R + 1) * (W - S + 1))


def add_patches(columns: Float, C: int, H: int, W: int, R: int, S: int) -> Float:
    """Add every column back to the pixels it was copied from (col2im): the transpose of `patches_of`.

    A pixel lies in up to R S patches and receives the sum of their values. The pixels at position (r, s) of all
    patches form one shifted image, so R S additions of whole batches suffice.
    """
    N, out_H, out_W = len(columns), H - R + 1, W - S + 1
    planes = columns.reshape(N, C, R, S, out_H, out_W)
    x = np.zeros((N, C, H, W), columns.dtype)
    for r in range(R):
        for s in range(S):
            x[:, :, r : r + out_H, s : s + out_W] += planes[:, :, r, s]
    return x


class Convolution:
    """K kernels of R x S over C maps, stride 1, with zero padding.

    mask  (K, C) 0 where an output map is not connected to an input map: those weights are and stay 0. None: all
          are connected.
    """

    def __init__(self, weight: Float, bias: Float, padding: int, mask: Float | None = None) -> None:
        self.parameters: Weights = {"weight": weight, "bias": bias}
        self.gradients: Weights = {}
        self.curvatures: Weights = {}
        self.padding = padding
        self.mask = mask
        self.needs_input_gradient = True

    def forward(self, x: Float) -> Float:
        """(N, C, H, W) -> (N, K, H + 2 padding - R + 1, W + 2 padding - S + 1)."""
        weight, p = self.parameters["weight"], self.padding
        K, _, R, S = weight.shape
        x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p))) if p else x
        self._padded_shape = x.shape
        self._patches = patches_of(x, R, S)
        y = weight.reshape(K, -1) @ self._patches  # (N, K, H' W')
        y += self.parameters["bias"][:, None]
        return y.reshape(len(x), K, x.shape[2] - R + 1, x.shape[3] - S + 1)

    def backward(self, grad_y: Float) -> Float:
        """Return the gradient for the input; each gradient is a product of the other two factors."""
        self.gradients, grad_x = self._back(grad_y, self.parameters["weight"], self._patches)
        return grad_x

    def curvature(self, curv_y: Float) -> Float:
        """The same with every factor squared: second derivatives propagate by squared slopes (equations 23 to 27)."""
        self.curvatures, curv_x = self._back(curv_y, self.parameters["weight"] ** 2, self._patches**2)
        return curv_x

    def _back(self, grad_y: Float, weight: Float, patches: Float) -> tuple[Weights, Float]:
        K, C, R, S = weight.shape
        _, _, H, W = self._padded_shape
        p = self.padding
        grad = grad_y.reshape(len(grad_y), K, -1)  # (N, K, H' W')
        grad_weight = (grad @ patches.transpose(0, 2, 1)).sum(axis=0).reshape(weight.shape)
        if self.mask is not None:
            grad_weight *= self.mask[:, :, None, None]
        gradients: Weights = {"weight": grad_weight, "bias": grad.sum(axis=(0, 2))}
        if not self.needs_input_gradient:  # the first layer's input is the image, whose gradient nobody uses
            return gradients, grad_y
        grad_patches = weight.reshape(K, -1).T @ grad  # (N, C R S, H' W')
        grad_x = add_patches(grad_patches, C, H, W, R, S)
        return gradients, grad_x[:, :, p : H - p, p : W - p]
