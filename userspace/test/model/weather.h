/* SPDX-License-Identifier: GPL-2.0 */
/* What the system does around a program: huge pages, KSM, reclaim. */
#ifndef WEATHER_H
#define WEATHER_H

#include <stdbool.h>
#include <stdint.h>

/* For this test: eager khugepaged and ksmd, and a cgroup to reclaim from. */
void weather_begin(bool pressure);
/* Change one setting, or reclaim some memory. */
void weather_change(uint64_t value);

#endif /* WEATHER_H */
