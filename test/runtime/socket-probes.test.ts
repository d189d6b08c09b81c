/**
 * Each probe of sockets and picked buffers: it says yes to a kernel that has the feature, and no to
 * an older one, which is this kernel with the newer flags taken out of what is submitted.
 */

import { describe, expect } from 'vitest';
import {
  EAFNOSUPPORT,
  EINVAL,
  IORING_OFF_SQES,
  IORING_OP_ACCEPT,
  IORING_OP_RECV,
  IORING_OP_SEND,
  IORING_OP_SEND_ZC,
  IORING_REGISTER_PBUF_RING,
  IOU_PBUF_RING_INC,
  SQE_WORDS,
} from '../../src/native/index.ts';
import type { Kernel } from '../../src/native/index.ts';
import * as probes from '../../src/runtime/socket-probes.ts';
import { attempt } from '../../src/runtime/trial.ts';
import type { Trial } from '../../src/runtime/trial.ts';
import { recordKernel } from '../support/recording-kernel.ts';
import { ringTest } from '../support/ring-test.ts';

type Changes = (kernel: Kernel) => Partial<Kernel>;

/** Rewrites the first word (opcode, flags, `ioprio`) of whatever is submitted. */
function rewriting(rewrite: (word: number, opcode: number) => number): Changes {
  return (kernel) => {
    const rings: Int32Array[] = [];
    return {
      mapRing(fd, offset, size) {
        const memory = kernel.mapRing(fd, offset, size);
        const isEntries = offset === IORING_OFF_SQES && typeof memory !== 'number';
        if (isEntries) rings.push(new Int32Array(memory.buffer));
        return memory;
      },
      ioUringEnter(fd, toSubmit, minComplete, flags, address, size) {
        for (const words of rings) {
          for (let at = 0; at < words.length; at += SQE_WORDS) {
            const word = words[at] ?? 0;
            words[at] = rewrite(word, word & 0xff);
          }
        }
        return kernel.ioUringEnter(fd, toSubmit, minComplete, flags, address, size);
      },
    };
  };
}

/** Before multishot: `ioprio` is cleared. */
const singleShot = rewriting((word, opcode) =>
  opcode === IORING_OP_ACCEPT || opcode === IORING_OP_RECV ? word & 0xffff : word,
);
/** Before zero copy: an ordinary send. */
const copying = rewriting((word, opcode) => (opcode === IORING_OP_SEND_ZC ? IORING_OP_SEND : word));
const withoutBufferRings: Changes = (kernel) => ({
  ioUringRegister: (fd, opcode, address, count) =>
    opcode === IORING_REGISTER_PBUF_RING
      ? -EINVAL
      : kernel.ioUringRegister(fd, opcode, address, count),
});
const withoutSockets: Changes = () => ({ socket: () => -EAFNOSUPPORT });

/** Before incremental buffers: the flag is ignored. */
const wholeBuffers: Changes = (kernel) => {
  const pages: { address: number; buffer: ArrayBuffer }[] = [];
  return {
    allocate(size) {
      const memory = kernel.allocate(size);
      if (typeof memory !== 'number') pages.push(memory);
      return memory;
    },
    ioUringRegister(fd, opcode, address, count) {
      const page = pages.find((candidate) => candidate.address === address);
      if (opcode === IORING_REGISTER_PBUF_RING && page !== undefined) {
        const flags = new Uint16Array(page.buffer, 14, 1);
        flags[0] = (flags[0] ?? 0) & ~IOU_PBUF_RING_INC;
      }
      return kernel.ioUringRegister(fd, opcode, address, count);
    },
  };
};

const refused = 'io_uring_register failed with EINVAL';
const cases: [
  name: string,
  since: string,
  probe: (trial: Trial) => void,
  lacking: Changes,
  answer: string,
][] = [
  ['providedBufferRings', '5.19', probes.tryProvidedBufferRings, withoutBufferRings, refused],
  [
    'incrementalBuffers',
    '6.12',
    probes.tryIncrementalBuffers,
    wholeBuffers,
    'A buffer was used up by its first byte',
  ],
  [
    'multishotAccept',
    '5.19',
    probes.tryMultishotAccept,
    singleShot,
    'An accept ended with its first connection',
  ],
  [
    'multishotReceive',
    '6.0',
    probes.tryMultishotReceive,
    singleShot,
    'A receive ended with its first bytes',
  ],
  ['zeroCopySend', '6.0', probes.tryZeroCopySend, copying, 'No notification is announced'],
  [
    'zeroCopySend, without a network',
    '6.0',
    probes.tryZeroCopySend,
    withoutSockets,
    'socket failed with EAFNOSUPPORT',
  ],
];

describe.each(cases)('the probe of %s', (_name, since, probe, lacking, answer) => {
  ringTest(since, 'finds it here', () => {
    const { host, descriptors, mappings } = recordKernel();
    expect(attempt(host.kernel, probe)).toBeNull();
    expect([descriptors.size, mappings.size]).toEqual([0, 0]);
  });

  ringTest('6.1', 'misses it elsewhere', () => {
    const { host, descriptors, mappings } = recordKernel(lacking);
    expect(attempt(host.kernel, probe)).toBe(answer);
    expect([descriptors.size, mappings.size]).toEqual([0, 0]);
  });
});
