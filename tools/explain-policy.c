// SPDX-License-Identifier: GPL-2.0
/* What the policies of the underlay do to the packet, or would if asked. */

#include "explain.h"
#include "policy.h"

/* As many are named one by one. */
#define POLICIES_SHOWN 4

static void ignored_policies(struct explain *ex,
			     const struct policies *policies)
{
	unsigned int found = 0;
	char text[TEXT_SIZE / 2];
	size_t i;

	for (i = 0; i < policies->count; i++) {
		if (!policy_is_narrow(&policies->policy[i]) ||
		    !policy_of(&policies->policy[i], &ex->dev) ||
		    ++found > POLICIES_SHOWN)
			continue;
		policy_format(&policies->policy[i], text, sizeof(text));
		finding(ex, "policy", V_WARN,
			"let IKE negotiate 0.0.0.0/0 and ::/0, or set mode policy",
			"%s is narrower than any/any, direct mode does not enforce it",
			text);
	}
	if (found > POLICIES_SHOWN)
		finding(ex, "policy", V_WARN, NULL, "%u more such policies",
			found - POLICIES_SHOWN);
}

/* Protocols and ports are not asked for, so a match may be one for others. */
static void obeyed_policy(struct explain *ex, const struct policies *policies)
{
	const struct policy *policy;
	char text[TEXT_SIZE / 2];

	if (!ex->source.family)
		return;
	policy = policies_match(policies, ex->dev.mark, &ex->source, &ex->to);
	if (!policy) {
		addr_format(&ex->source, text, sizeof(text));
		finding(ex, "policy", V_BAD,
			"compare mark and selectors in ip xfrm policy with what IKE negotiated",
			"no outbound policy with mark 0x%x is for %s to %s",
			ex->dev.mark, text, ex->to_text);
		return;
	}
	policy_format(policy, text, sizeof(text));
	if (policy->block)
		finding(ex, "policy", V_BAD, "delete it, or give another one precedence",
			"%s takes the packet", text);
	else
		finding(ex, "policy", V_OK, NULL, "%s takes the packet", text);
}

void explain_policies(struct explain *ex)
{
	bool obeyed = ex->dev.mode == XVTI_MODE_POLICY;
	struct policies policies;
	struct nl *under;

	finding(ex, "mode", V_OK, NULL, obeyed ?
		"policy: policies of the underlay decide on each packet" :
		"direct: the binding decides, policies are not consulted");
	under = session_underlay_of(&ex->session, &ex->dev);
	if (!under || policies_get(under, &policies))
		return;
	if (obeyed)
		obeyed_policy(ex, &policies);
	else
		ignored_policies(ex, &policies);
	policies_free(&policies);
}
