#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# secure-boot.sh - after DKMS has installed the module: where Secure Boot is on,
# the kernel loads it only if it is signed with a key that the firmware or the
# machine's owner trusts. Say what is left to do for that; never fail.

vars=/sys/firmware/efi/efivars
state=$vars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c

# Four bytes of attributes, then 1 if it is on.
[ -r "$state" ] || exit 0
[ "$(od -An -tu1 -j4 -N1 "$state" | tr -d ' ')" = 1 ] || exit 0

for key in /var/lib/shim-signed/mok/MOK.der /var/lib/dkms/mok.pub; do
	[ ! -e "$key" ] || break
done
if [ ! -e "$key" ]; then
	cat <<-END
	xvti: Secure Boot is on, and DKMS has no key to sign xvti.ko with, so the
	xvti: kernel will refuse it. Make a key, let DKMS use it (mok_signing_key
	xvti: and mok_certificate in /etc/dkms/framework.conf, or sign_tool in older
	xvti: versions), install the module again, and enroll the certificate with
	xvti:     mokutil --import CERTIFICATE
	END
	exit 0
fi
command -v mokutil >/dev/null && mokutil --test-key "$key" 2>/dev/null |
	grep -q 'already enrolled' && exit 0
cat <<-END
xvti: Secure Boot is on: the kernel loads xvti.ko only when the key that DKMS
xvti: signs with is enrolled. Once, as root:
xvti:     mokutil --import $key
xvti: then reboot, choose "Enroll MOK", and enter the password given to mokutil.
END
exit 0
