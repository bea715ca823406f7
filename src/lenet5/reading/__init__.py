"""From a photograph to digits and numbers: opened, cleaned, taken apart, prepared as MNIST was, and read.

Each file holds one step, as functions of arrays; `pipeline.py` is the chain, `reader.py` the way in. A picture is
refused before it is decoded when it is too large. Nothing here trains, and no picture is fetched. Needs
`pip install "lenet5-reproduced[read]"`. Read next: `docs/reading.md`.
"""
