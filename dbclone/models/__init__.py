"""What is learned, on integer codes and lattice numbers; no SQL, no files."""
