#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""Has the kernel make an instance of a cipher.

cryptobind.py NAME    NAME is that of an AEAD, such as pcrypt(gcm(aes)): the
                      kernel makes what its templates say, and keeps it;
                      whether it did is seen in /proc/crypto
"""

import errno
import socket
import sys


def main(name):
    with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as sock:
        try:
            sock.bind(("aead", name))
        except OSError as error:
            # what was made goes by the name of the cipher that it wraps
            if error.errno != errno.ENOENT:
                raise


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{sys.argv[1:]}: {error}")
