"""One codec per kind of column: Arrow values in, integer codes or lattice numbers out, and back."""
