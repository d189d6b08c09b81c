/**
 * Constants of `<time.h>`, in the C spelling: the clocks that a ring may wait by.
 */

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_BOOTTIME = 7;
