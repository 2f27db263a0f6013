/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_RCV_H
#define _XVTI_RCV_H

int xvti_rcv_init(void);
void xvti_rcv_exit(void);

#endif /* _XVTI_RCV_H */
