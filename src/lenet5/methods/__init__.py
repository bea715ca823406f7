"""The classifiers that the 1998 paper compares LeNet-5 with (Figures 9 to 12), one family a file.

Each is a `contract.Classifier`: fitted on images, then it scores others. `catalogue.py` lists them all, with what the
paper published of each; the networks among them are recipes.
"""
