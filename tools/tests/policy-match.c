// SPDX-License-Identifier: GPL-2.0
/*
 * Which policy takes a packet, and which belongs to a device. Prints what
 * went wrong; the exit code says whether anything did.
 */

#include <stdio.h>
#include <string.h>

#include "../netlink.h"
#include "../policy.h"
#include "../state.h"

static int failures;

static struct addr addr(const char *s)
{
	struct addr a = { 0 };

	if (!addr_parse(s, &a))
		printf("# bad address %s\n", s);
	return a;
}

static struct policy policy(const char *src, uint8_t src_len,
			    const char *dst, uint8_t dst_len)
{
	struct policy p = { .out = true, .src_len = src_len,
			    .dst_len = dst_len };

	p.src = addr(src);
	p.dst = addr(dst);
	return p;
}

static void is(bool want, bool got, const char *what)
{
	if (want == got)
		return;
	failures++;
	printf("# %s: want %d, got %d\n", what, want, got);
}

static void matches(bool want, struct policy p, uint32_t mark,
		    const char *src, const char *dst)
{
	struct policies policies = { .policy = &p, .count = 1 };
	struct addr s = addr(src), d = addr(dst);
	char text[256];

	policy_format(&p, text, sizeof(text));
	is(want, policies_match(&policies, mark, &s, &d), text);
}

static void prefixes(void)
{
	struct policy all = policy("0.0.0.0", 0, "0.0.0.0", 0);
	struct policy all6 = policy("::", 0, "::", 0);
	struct policy odd = policy("10.1.2.0", 23, "10.9.0.0", 9);
	struct policy host6 = policy("2001:db8::1", 128, "2001:db8:8000::", 33);

	matches(true, all, 0, "10.0.0.1", "10.0.0.2");
	matches(false, all, 0, "2001:db8::1", "2001:db8::2");
	matches(true, all6, 0, "2001:db8::1", "2001:db8::2");
	matches(true, odd, 0, "10.1.3.255", "10.127.255.255");
	matches(false, odd, 0, "10.1.4.0", "10.9.0.1");
	matches(false, odd, 0, "10.1.3.1", "10.128.0.0");
	matches(true, host6, 0, "2001:db8::1", "2001:db8:ffff::1");
	matches(false, host6, 0, "2001:db8::", "2001:db8:ffff::1");
	matches(false, host6, 0, "2001:db8::1", "2001:db8:7fff::1");
}

static void marks(void)
{
	struct policy p = policy("0.0.0.0", 0, "0.0.0.0", 0);

	p.mark = 6;
	p.mark_mask = 0xff;
	matches(true, p, 6, "10.0.0.1", "10.0.0.2");
	matches(true, p, 0x106, "10.0.0.1", "10.0.0.2");
	matches(false, p, 7, "10.0.0.1", "10.0.0.2");
	p.out = false;
	matches(false, p, 6, "10.0.0.1", "10.0.0.2");
}

static void priorities(void)
{
	struct policy p[2] = {
		policy("0.0.0.0", 0, "0.0.0.0", 0),
		policy("10.0.0.0", 8, "10.0.0.0", 8),
	};
	struct policies policies = { .policy = p, .count = 2 };
	struct addr a = addr("10.0.0.1");

	p[0].priority = 2;
	p[1].priority = 1;
	is(true, policies_match(&policies, 0, &a, &a) == &p[1], "smaller");
	is(false, policy_is_narrow(&p[0]), "any to any is narrow");
	is(true, policy_is_narrow(&p[1]), "10/8 is narrow");
	p[0].proto = 6;
	is(true, policy_is_narrow(&p[0]), "one protocol is narrow");
}

static void bindings(void)
{
	struct policy p = policy("10.0.0.0", 8, "0.0.0.0", 0);
	struct dev dev = { .reqid = 7 };

	dev.local = addr("192.0.2.1");
	dev.remote = addr("192.0.2.2");
	is(false, policy_of(&p, &dev), "no reqid");
	p.reqid = 7;
	is(true, policy_of(&p, &dev), "same reqid");
	p.tunnel = true;
	p.local = addr("192.0.2.1");
	p.remote = addr("192.0.2.3");
	is(false, policy_of(&p, &dev), "another peer");
	dev.remote = addr("0.0.0.0");
	is(true, policy_of(&p, &dev), "remote any");
	dev.peer = addr("192.0.2.2");
	is(false, policy_of(&p, &dev), "remote any, another peer");
	dev.peer = addr("192.0.2.3");
	dev.reqid = 0;
	is(false, policy_of(&p, &dev), "another reqid");
	dev.peer_reqid = 7;
	is(true, policy_of(&p, &dev), "reqid that was learned");
	p.reqid = 9;
	dev.if_id = 5;
	p.if_id = 5;
	is(true, policy_of(&p, &dev), "same if_id");
	dev.if_id = 0;
	p.if_id = 0;
	is(false, policy_of(&p, &dev), "no mark on either");
	dev.mark = 6;
	dev.mark_mask = UINT32_MAX;
	is(false, policy_of(&p, &dev), "mark on the device only");
	p.mark = 6;
	p.mark_mask = UINT32_MAX;
	is(true, policy_of(&p, &dev), "same mark");
}

static void leads(void)
{
	struct policy p = policy("0.0.0.0", 0, "0.0.0.0", 0);
	struct state s = { .reqid = 7 };

	s.src = addr("192.0.2.1");
	s.dst = addr("192.0.2.2");
	p.local = s.src;
	p.remote = s.dst;
	p.reqid = 7;
	is(false, policy_leads_to(&p, &s), "more than ESP");
	p.esp = true;
	is(true, policy_leads_to(&p, &s), "reqid and ends of the SA");
	p.out = false;
	is(false, policy_leads_to(&p, &s), "inbound");
	p.out = true;
	s.reqid = 8;
	is(false, policy_leads_to(&p, &s), "reqid of another SA");
	p.reqid = 0;
	s.reqid = 0;
	is(false, policy_leads_to(&p, &s), "no reqid to lead by");
	p.reqid = 7;
	s.reqid = 7;
	s.dst = addr("192.0.2.3");
	is(false, policy_leads_to(&p, &s), "SA to another peer");
	p.remote = addr("0.0.0.0");
	is(false, policy_leads_to(&p, &s), "template for any peer");
	p.remote = s.dst;
	s.src = addr("192.0.2.4");
	is(false, policy_leads_to(&p, &s), "SA from another address");
}

int main(void)
{
	prefixes();
	marks();
	priorities();
	bindings();
	leads();
	return failures ? 1 : 0;
}
