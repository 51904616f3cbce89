"""Deep Compression (paper, Table 2; Han et al., arXiv 1510.00149): prune, share, code, into files that exist."""
