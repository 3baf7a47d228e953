/* SPDX-License-Identifier: GPL-2.0 */
/* What the system does around a program: swap, huge pages, KSM, reclaim. */
#ifndef WEATHER_H
#define WEATHER_H

#include <stdbool.h>
#include <stdint.h>

/* Swap to zram, once for all. False if that cannot be. */
bool weather_start_swap(void);
void weather_stop_swap(void);
/* For this test: an eager khugepaged and ksmd, a cgroup to reclaim from. */
void weather_begin(bool pressure);
/* Change one setting, or reclaim some memory. */
void weather_change(uint64_t value);

#endif /* WEATHER_H */
