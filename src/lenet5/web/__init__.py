"""The interactive page, which computes in the browser, and the HTTP server.

The page is in `page/`; `static_page.py` exports it. For the server start with `app.py` (routes); `server.py` runs it.
The server needs `pip install "lenet5-reproduced[serve]"`; the exported page needs nothing.
"""
