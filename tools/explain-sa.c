// SPDX-License-Identifier: GPL-2.0
/*
 * The SAs of the underlay that lead to the peer, where none of them is one
 * that direct mode takes: what each of them lacks.
 */

#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdio.h>

#include "explain.h"
#include "policy.h"
#include "state.h"

/* As many are named one by one. */
#define SAS_SHOWN 4

/* An ESP SA from the device's local address to its peer. */
static bool sa_leads_to_peer(const struct explain *ex,
			     const struct state *state)
{
	return state->proto == IPPROTO_ESP &&
	       addr_equal(&state->src, &ex->dev.local) &&
	       addr_equal(&state->dst, explain_peer(ex));
}

/*
 * An SA without a mark counts as marked as the policies that lead to it:
 * Libreswan marks those alone.
 */
static bool sa_mark_fits(const struct dev *dev, const struct policies *policies,
			 const struct state *state)
{
	const struct policy *policy;
	size_t i;

	if (!dev->mark_mask)
		return !state->mark;
	if (state->mark_mask)
		return state->mark == dev->mark &&
		       state->mark_mask == dev->mark_mask;
	for (i = 0; i < policies->count; i++) {
		policy = &policies->policy[i];
		if (policy_leads_to(policy, state) &&
		    policy->mark == dev->mark &&
		    policy->mark_mask == dev->mark_mask)
			return true;
	}
	return false;
}

/* What keeps the device from using an SA; false if nothing does. */
static bool sa_unfit(const struct explain *ex, const struct policies *policies,
		     const struct state *state, char *buf, size_t size)
{
	const struct dev *dev = &ex->dev;
	uint32_t reqid = dev->reqid ? dev->reqid : dev->peer_reqid;

	const char *fault = state_fault(state);

	if (fault)
		snprintf(buf, size, "%s", fault);
	else if (reqid && state->reqid != reqid)
		snprintf(buf, size, "has reqid %u, not %u", state->reqid, reqid);
	else if (!sa_mark_fits(dev, policies, state))
		snprintf(buf, size, "has mark 0x%x/0x%x, not 0x%x/0x%x",
			 state->mark, state->mark_mask, dev->mark,
			 dev->mark_mask);
	else if (state->if_id != dev->if_id)
		snprintf(buf, size, "has if_id 0x%x, not 0x%x", state->if_id,
			 dev->if_id);
	else if (state->narrow)
		snprintf(buf, size, "has a selector narrower than any/any");
	else if (state->inner && state->inner != ex->to.family)
		snprintf(buf, size, "is for IPv%c alone",
			 state->inner == AF_INET6 ? '6' : '4');
	else
		return false;
	return true;
}

static bool any_sa_fits(const struct explain *ex,
			const struct policies *policies,
			const struct states *states)
{
	char why[TEXT_SIZE / 4];
	size_t i;

	for (i = 0; i < states->count; i++)
		if (sa_leads_to_peer(ex, &states->state[i]) &&
		    !sa_unfit(ex, policies, &states->state[i], why,
			      sizeof(why)))
			return true;
	return false;
}

/* Where the kernel counts none it has been said that the packet is lost. */
static void unfit_sas(struct explain *ex, const struct policies *policies,
		      const struct states *states)
{
	enum verdict verdict = ex->dev.sa_out ? V_BAD : V_WARN;
	const struct state *state;
	unsigned int found = 0;
	char why[TEXT_SIZE / 4];
	size_t i;

	for (i = 0; i < states->count; i++) {
		state = &states->state[i];
		if (!sa_leads_to_peer(ex, state) || ++found > SAS_SHOWN)
			continue;
		sa_unfit(ex, policies, state, why, sizeof(why));
		finding(ex, "sa", verdict,
			"negotiate 0.0.0.0/0 and ::/0 in tunnel mode, and compare reqid, mark and if_id with the device's",
			"the SA to the peer with SPI 0x%08x %s", state->spi,
			why);
	}
	if (found > SAS_SHOWN)
		finding(ex, "sa", verdict, "ip xfrm state lists them",
			"%u more such SAs to the peer", found - SAS_SHOWN);
}

/* Reading them takes CAP_NET_ADMIN. */
void explain_sas(struct explain *ex)
{
	struct nl *under = session_underlay_of(&ex->session, &ex->dev);
	struct policies policies;
	struct states states;

	if (ex->dev.mode == XVTI_MODE_POLICY || !under || !explain_peer(ex) ||
	    states_get(under, &states))
		return;
	if (!policies_get(under, &policies) &&
	    !any_sa_fits(ex, &policies, &states))
		unfit_sas(ex, &policies, &states);
	policies_free(&policies);
	states_free(&states);
}
