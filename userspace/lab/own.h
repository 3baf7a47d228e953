/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LAB_OWN_H
#define LAB_OWN_H

#include "policy.h"
#include "trace.h"

const struct lab_policy *own_load(const char *path);
uint64_t own_faults(const struct lab_policy *policy, const struct trace *trace, unsigned int frames);

#endif /* LAB_OWN_H */
