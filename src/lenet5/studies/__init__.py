"""Studies: many runs of one recipe, over choices and seeds.

plan        a study as a value, equal to its TOML file: which choices, which seeds
units       plan -> units: one run each, named by the digest of what decides its result
ledger      what is done, on disk; it alone knows
work        do one unit: a pure function of its specification
together    several units at once, as networks side by side
runner      do what is missing, here or on a cluster
statistics  means, intervals and tests
"""
