/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_BINDING_H
#define _XVTI_BINDING_H

#include "sa.h"

struct xvti_conf;
struct xvti_tmpl;

u32 xvti_binding_hash(const struct net *net, enum xvti_key key, u32 value);
struct xvti_dev *xvti_binding_find(const struct xvti_sa *sa,
				   enum xvti_dir *dir);
struct xvti_dev *xvti_binding_find_paired(const struct xvti_sa *sa,
					  struct xvti_dev *paired,
					  enum xvti_dir *dir);
bool xvti_binding_state(const struct xvti_dev *xv, const struct xfrm_state *x);
bool xvti_binding_taken(const struct xvti_dev *xv,
			const struct xvti_conf *conf);
void xvti_binding_attach(struct xvti_dev *xv, const struct xvti_conf *conf);
void xvti_binding_detach(struct xvti_dev *xv);
void xvti_binding_update(struct xvti_dev *xv);
bool xvti_binding_tmpl(const struct xvti_dev *xv, const struct xvti_conf *conf,
		       struct xvti_tmpl *tmpl);

#endif /* _XVTI_BINDING_H */
