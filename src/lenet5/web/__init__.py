"""The page: draw a digit, watch the network think. Computed in the browser; what is served of it stands here."""
