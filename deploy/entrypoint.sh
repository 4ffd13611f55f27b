#!/bin/sh
# Numba reads and writes its cache in one directory, and refuses one that is read-only. The kernels that were compiled
# when the image was built are copied to where this container may write.
set -eu
if [ -n "${NUMBA_CACHE_DIR:-}" ] && [ -d "${SHIPPED_KERNELS:=/opt/stream/kernels}" ]; then
    mkdir -p "$NUMBA_CACHE_DIR"
    cp -R --no-preserve=mode "$SHIPPED_KERNELS/." "$NUMBA_CACHE_DIR/"
fi
exec stream "$@"
