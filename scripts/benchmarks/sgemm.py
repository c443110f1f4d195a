"""Prints what one core's sgemm reaches in GFLOP/s, with the OpenBLAS that Lockstep loads, as JSON."""

import ctypes
import json
import time

import numpy

ROW_MAJOR, AS_IT_IS = 101, 111
SIDES = (512, 768, 1024)


def main():
    blas = ctypes.CDLL("libopenblas.so.0")
    blas.openblas_set_num_threads(1)
    best = 0.0
    for side in SIDES:
        a, b, c = (numpy.ones((side, side), numpy.float32) for _ in range(3))
        pointers = [ctypes.c_void_p(matrix.ctypes.data) for matrix in (a, b, c)]
        for _ in range(8):
            start = time.perf_counter()
            blas.cblas_sgemm(
                ROW_MAJOR, AS_IT_IS, AS_IT_IS, side, side, side, ctypes.c_float(1), pointers[0], side,
                pointers[1], side, ctypes.c_float(0), pointers[2], side)
            best = max(best, 2e-9 * side**3 / (time.perf_counter() - start))
    print(json.dumps({"gflops": best}))


if __name__ == "__main__":
    main()
