// See ../algorithm.h.
