/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xvti

#if !defined(_XVTI_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _XVTI_TRACE_H

#include <linux/netdevice.h>
#include <linux/tracepoint.h>

#include "stats.h"

TRACE_EVENT(xvti_drop,
	/* the packet itself may be gone: its address only */
	TP_PROTO(const struct net_device *dev, const void *skb, u16 protocol,
		 unsigned int len, unsigned int reason),

	TP_ARGS(dev, skb, protocol, len, reason),

	TP_STRUCT__entry(
		__array(char, dev, IFNAMSIZ)
		__array(char, reason, sizeof(xvti_stat_names[0]))
		__field(const void *, skb)
		__field(unsigned int, len)
		__field(u16, protocol)
	),

	TP_fast_assign(
		memcpy(__entry->dev, dev->name, IFNAMSIZ);
		memcpy(__entry->reason, xvti_stat_names[reason],
		       sizeof(xvti_stat_names[0]));
		__entry->skb = skb;
		__entry->len = len;
		__entry->protocol = protocol;
	),

	TP_printk("dev=%s reason=%s skb=%p protocol=0x%04x len=%u",
		  __entry->dev, __entry->reason, __entry->skb,
		  __entry->protocol, __entry->len)
);

#endif /* _XVTI_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
