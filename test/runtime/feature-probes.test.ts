/**
 * Each probe of set-up, wait and registration: it says yes to a kernel that has the feature, and no
 * to one that does not, which is this kernel with single calls refused.
 */

import { describe, expect } from 'vitest';
import {
  EINVAL,
  ENOSYS,
  IORING_ENTER_EXT_ARG_REG,
  IORING_ENTER_NO_IOWAIT,
  IORING_REGISTER_CLONE_BUFFERS,
  IORING_REGISTER_MEM_REGION,
  IORING_REGISTER_NAPI,
  IORING_REGISTER_RESIZE_RINGS,
  IORING_REGISTER_RING_FDS,
  IORING_REGISTER_SEND_MSG_RING,
} from '../../src/native/index.ts';
import type { Kernel } from '../../src/native/index.ts';
import * as probes from '../../src/runtime/feature-probes.ts';
import { attempt } from '../../src/runtime/trial.ts';
import type { Trial } from '../../src/runtime/trial.ts';
import { recordKernel } from '../support/recording-kernel.ts';
import { ringTest } from '../support/ring-test.ts';

type Changes = (kernel: Kernel) => Partial<Kernel>;
type Probe = (trial: Trial) => void;

const unchanged: Changes = () => ({});

/** A kernel that knows no such registration. */
function withoutRegistration(opcode: number): Changes {
  return (kernel) => ({
    ioUringRegister: (fd, called, address, count) =>
      called === opcode ? -EINVAL : kernel.ioUringRegister(fd, called, address, count),
  });
}

/** A kernel that refuses a flag of `enter`. */
function withoutEnterFlag(flag: number): Changes {
  return (kernel) => ({
    ioUringEnter: (fd, toSubmit, minComplete, flags, address, size) =>
      (flags & flag) !== 0
        ? -EINVAL
        : kernel.ioUringEnter(fd, toSubmit, minComplete, flags, address, size),
  });
}

/** A kernel that takes anything and does nothing, as emulations do. */
const hollow: Changes = () => ({ ioUringEnter: () => 0, ioUringRegister: () => 0 });

/** A kernel whose rings cannot be had at all. */
const sealed: Changes = () => ({ ioUringSetup: () => -ENOSYS });

const refused = 'failed with EINVAL';
const cases: [name: string, since: string, probe: Probe, lacking: Changes, answer: string][] = [
  ['deferTaskrun', '6.1', probes.tryDeferTaskrun, hollow, 'No completion came'],
  [
    'registeredWaits',
    '6.13',
    probes.tryRegisteredWaits,
    withoutRegistration(IORING_REGISTER_MEM_REGION),
    'The kernel takes no region for wait arguments',
  ],
  [
    'registeredWaits, with slots that do nothing',
    '6.13',
    probes.tryRegisteredWaits,
    withoutEnterFlag(IORING_ENTER_EXT_ARG_REG),
    'A wait on a slot did not time out',
  ],
  [
    'ringResize',
    '6.13',
    probes.tryRingResize,
    withoutRegistration(IORING_REGISTER_RESIZE_RINGS),
    `IORING_REGISTER_RESIZE_RINGS ${refused}`,
  ],
  [
    'memoryRegions',
    '6.13',
    probes.tryMemoryRegions,
    withoutRegistration(IORING_REGISTER_MEM_REGION),
    `IORING_REGISTER_MEM_REGION ${refused}`,
  ],
  [
    'memoryRegions, in an emulation',
    '6.13',
    probes.tryMemoryRegions,
    hollow,
    'The kernel took no note of the region',
  ],
  ['hybridIopoll', '6.13', probes.tryHybridIopoll, sealed, 'io_uring_setup failed with ENOSYS'],
  [
    'napiDynamic',
    '6.9',
    probes.tryNapiDynamic,
    withoutRegistration(IORING_REGISTER_NAPI),
    `IORING_REGISTER_NAPI ${refused}`,
  ],
  [
    'napiStatic',
    '6.13',
    probes.tryNapiStatic,
    withoutRegistration(IORING_REGISTER_NAPI),
    `IORING_REGISTER_NAPI ${refused}`,
  ],
  [
    'sendMsgRingSync',
    '6.13',
    probes.trySendMsgRingSync,
    withoutRegistration(IORING_REGISTER_SEND_MSG_RING),
    `IORING_REGISTER_SEND_MSG_RING ${refused}`,
  ],
  [
    'cloneBuffers',
    '6.12',
    probes.tryCloneBuffers,
    withoutRegistration(IORING_REGISTER_CLONE_BUFFERS),
    `IORING_REGISTER_CLONE_BUFFERS ${refused}`,
  ],
  [
    'cloneBuffersOffset',
    '6.13',
    probes.tryCloneBuffersOffset,
    withoutRegistration(IORING_REGISTER_CLONE_BUFFERS),
    `IORING_REGISTER_CLONE_BUFFERS ${refused}`,
  ],
  ['nopResources', '6.13', probes.tryNopResources, sealed, 'io_uring_setup failed with ENOSYS'],
  [
    'registeredRingDescriptor',
    '5.18',
    probes.tryRegisteredRingDescriptor,
    withoutRegistration(IORING_REGISTER_RING_FDS),
    'The kernel registers no ring descriptor',
  ],
  [
    'noIowait',
    '6.15',
    probes.tryNoIowait,
    withoutEnterFlag(IORING_ENTER_NO_IOWAIT),
    `io_uring_enter ${refused}`,
  ],
  ['minWait', '6.12', probes.tryMinWait, withoutEnterFlag(0xff), `io_uring_enter ${refused}`],
];

describe.each(cases)('the probe of %s', (_name, since, probe, lacking, answer) => {
  ringTest(since, 'finds it here', () => {
    const { host, descriptors, mappings } = recordKernel(unchanged);
    expect(attempt(host.kernel, probe)).toBeNull();
    expect([descriptors.size, mappings.size]).toEqual([0, 0]);
  });

  ringTest('6.1', 'misses it elsewhere', () => {
    const { host, descriptors } = recordKernel(lacking);
    expect(attempt(host.kernel, probe)).toBe(answer);
    expect(descriptors.size).toBe(0);
  });
});
