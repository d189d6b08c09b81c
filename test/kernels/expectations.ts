/**
 * What each kernel is expected to have: the first release of every feature, from the kernel's own
 * history. Kept apart from the package's own table, so that the two can disagree.
 */

import type { FeatureName } from 'onering';

/** First release, as `major * 1000 + minor`. */
const since: Record<FeatureName, number> = {
  deferTaskrun: 6001,
  registeredWaits: 6013,
  minWait: 6012,
  ringResize: 6013,
  memoryRegions: 6013,
  hybridIopoll: 6013,
  napiDynamic: 6009,
  napiStatic: 6013,
  sendMsgRingSync: 6013,
  cloneBuffers: 6012,
  cloneBuffersOffset: 6013,
  nopResources: 6013,
  providedBufferRings: 5019,
  incrementalBuffers: 6012,
  multishotAccept: 5019,
  multishotReceive: 6000,
  zeroCopySend: 6000,
  registeredRingDescriptor: 5018,
  noIowait: 6015,
};

/** In the order of `onering doctor`. */
export const featureNames = Object.keys(since) as FeatureName[];

/** Whether a kernel of this release should have the feature. */
export function isExpected(feature: FeatureName, release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return major * 1000 + minor >= since[feature];
}
