"""Studies: many runs of one recipe, over choices and seeds.

plan        a study as a value, equal to its TOML file: choices and seeds
units       plan -> units of one run each, named by a digest of everything that determines the result
ledger      the state of a study, all of it on disk
work        run one unit: a pure function of its specification
together    run several units simultaneously, as networks side by side
runner      run the units that are not done yet, on this machine or on a cluster
statistics  means, intervals and tests
"""
