"""The HTTP API and the page: draw a digit, watch the network think. Needs `pip install "lenet5[serve]"`."""
