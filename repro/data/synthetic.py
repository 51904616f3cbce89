"""stub"""
import numpy as np
from repro.data.catalogue import DATASETS
def make(name):
    i=DATASETS[name]; r=np.random.default_rng(0)
    f=lambda n:(r.integers(0,256,(n,i.channels,i.size,i.size)).astype(np.uint8), np.arange(n)%len(i.classes))
    return f(2000),f(500)
