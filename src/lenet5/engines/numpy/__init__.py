"""LeNet-5 from scratch, written to be read: each layer kind in its own file, forward beside backward.

Every layer is a class with three methods. `forward(x)` returns the output and stores the values that the backward
pass needs; `backward(grad_y)` takes the gradient of the loss with respect to the output, stores the gradients of the
layer's weights in `gradients`, and returns the gradient with respect to the input; `curvature(curv_y)` does the same
for second derivatives. There is no loop over images or pixels: an operation is one NumPy expression over the whole
batch, or a handful of shifted slices.

Letters, as usual in the literature: N images, C maps in, K maps out, H W height and width, R S height and width of a
kernel. Read next: `conv.py`, the heart of the network; `scorer.py`, which runs the layers forward; `network.py`,
which runs them backward, too.
"""
