"""LeNet-5 from scratch, to be read: each layer kind in a file of its own, forward beside backward.

Every layer is a class with three methods. `forward(x)` returns the output and keeps what the way back needs;
`backward(grad_y)` takes the gradient of the loss for the output, stores the gradients of its own weights in
`gradients`, and returns the gradient for the input; `curvature(curv_y)` is the same way back for second
derivatives. There is no loop over images or pixels: an operation is
one NumPy expression over the whole batch, or a handful of shifted slices.

Letters, as in the field: N images, C maps in, K maps out, H W height and width, R S height and width of a
kernel. Read next: `conv.py`, the heart; `network.py`, which walks the layers there and back.
"""
