"""Compress weights (paper, Table 2; Han et al., arXiv 1510.00149): prune, cluster, factorise, round."""
