"""The page (draw a digit, watch the network think: computed in the browser), and the HTTP server.

The page stands in `page/`; `static_page.py` lists what is served of it. Of the server, begin with `app.py` (routes);
`server.py` runs it. It needs `pip install "lenet5-reproduced[serve]"`; the page's files alone need nothing.
"""
