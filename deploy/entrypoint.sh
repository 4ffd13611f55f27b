#!/bin/sh
# Numba needs a cache directory that it can write to. Copy the kernels that were compiled with the image to a directory
# that this container may write to.
set -eu
if [ -n "${NUMBA_CACHE_DIR:-}" ] && [ -d "${SHIPPED_KERNELS:=/opt/stream/kernels}" ]; then
    mkdir -p "$NUMBA_CACHE_DIR"
    cp -R --no-preserve=mode "$SHIPPED_KERNELS/." "$NUMBA_CACHE_DIR/"
fi
exec stream "$@"
