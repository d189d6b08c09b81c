/**
 * Trials on a real ring: what they report, and that they leave nothing, however they end.
 */

import { describe, expect, it } from 'vitest';
import {
  AF_UNIX,
  EMFILE,
  EPERM,
  prepAccept,
  prepConnect,
  prepNop,
  prepPollAdd,
  POLLIN,
  SOCK_CLOEXEC,
  SOCK_STREAM,
} from '../../src/native/index.ts';
import { systemError } from '../../src/runtime/errors.ts';
import { accepted, attempt, demand, made, TrialFailure } from '../../src/runtime/trial.ts';
import type { Trial } from '../../src/runtime/trial.ts';
import { recordKernel } from '../support/recording-kernel.ts';
import type { Recording } from '../support/recording-kernel.ts';
import { ringTest } from '../support/ring-test.ts';

function expectNothingLeft({ descriptors, mappings }: Recording): void {
  expect([...descriptors]).toEqual([]);
  expect(mappings.size).toBe(0);
}

/** A socket that listens under a name of the kernel's choice, and the page with that name. */
function listen(trial: Trial): { fd: number; address: number; size: number } {
  const { kernel } = trial;
  const page = trial.pages(1);
  const fd = trial.own(kernel.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const words = new Uint32Array(page.buffer);
  words[0] = AF_UNIX;
  kernel.bind(fd, page.address, 2);
  kernel.listen(fd, 1);
  words[64] = 128;
  kernel.getsockname(fd, page.address, page.address + 256);
  return { fd, address: page.address, size: words[64] };
}

describe('accepted', () => {
  it('returns a result, and names an error', () => {
    expect(accepted(3, 'socket')).toBe(3);
    expect(() => accepted(-EPERM, 'socket')).toThrow(new TrialFailure('socket failed with EPERM'));
  });
});

describe('made', () => {
  it('returns an object, and names an error', () => {
    const thing = {};
    expect(made(thing, 'mmap')).toBe(thing);
    expect(() => made(-EPERM, 'mmap')).toThrow(new TrialFailure('mmap failed with EPERM'));
  });
});

describe('demand', () => {
  it('fails where the condition does not hold', () => {
    expect(() => demand(true, 'Kept')).not.toThrow();
    expect(() => demand(false, 'Broken')).toThrow(new TrialFailure('Broken'));
  });
});

describe('attempt', () => {
  ringTest('6.1', 'returns null for what works, and leaves nothing', () => {
    const recording = recordKernel();
    const results: number[] = [];
    const problem = attempt(recording.host.kernel, (trial) => {
      const rings = [trial.ring(), trial.ring(true)];
      results.push(...rings.map((ring) => ring.run(prepNop).result));
      expect(recording.descriptors.size).toBe(2);
    });
    expect(problem).toBeNull();
    expect(results).toEqual([0, 0]);
    expectNothingLeft(recording);
  });

  ringTest('6.1', 'returns why something does not work, and leaves nothing', () => {
    const recording = recordKernel();
    const fail = (error: Error): string | null =>
      attempt(recording.host.kernel, (trial) => {
        trial.ring();
        listen(trial);
        throw error;
      });
    expect(fail(new TrialFailure('Not today'))).toBe('Not today');
    expect(fail(systemError(-EPERM, 'bind'))).toBe('bind failed with EPERM');
    expect(() => fail(new TypeError('a bug'))).toThrow('a bug');
    expectNothingLeft(recording);
  });

  ringTest('6.1', 'reports a ring or memory that cannot be had', () => {
    const noRing = recordKernel(() => ({ ioUringSetup: () => -EMFILE }));
    const noMemory = recordKernel(() => ({ allocate: () => -EPERM }));
    expect(attempt(noRing.host.kernel, (trial) => void trial.ring())).toBe(
      'io_uring_setup failed with EMFILE',
    );
    expect(attempt(noMemory.host.kernel, (trial) => void trial.pages(1))).toBe(
      'mmap failed with EPERM',
    );
    expectNothingLeft(noRing);
    expectNothingLeft(noMemory);
  });

  ringTest('6.1', 'cancels what is in flight before it gives memory back', () => {
    const recording = recordKernel();
    const problem = attempt(recording.host.kernel, (trial) => {
      const ring = trial.ring();
      const { fd } = listen(trial);
      ring.begin((sqe) => prepPollAdd(sqe, fd, POLLIN));
      ring.run(prepNop);
      // This one has not even been submitted.
      ring.begin((sqe) => prepAccept(sqe, fd, 0, 0, SOCK_CLOEXEC), 'descriptor');
    });
    expect(problem).toBeNull();
    expectNothingLeft(recording);
  });

  ringTest('6.1', 'closes a connection that was accepted and never looked at', () => {
    const recording = recordKernel();
    let openInside = 0;
    const problem = attempt(recording.host.kernel, (trial) => {
      const ring = trial.ring();
      const { fd, address, size } = listen(trial);
      const client = trial.own(trial.kernel.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      ring.begin((sqe) => prepAccept(sqe, fd, 0, 0, SOCK_CLOEXEC), 'descriptor');
      const connected = ring.run((sqe) => prepConnect(sqe, client, address, size));
      expect(connected.result).toBe(0);
      ring.run(prepNop);
      openInside = recording.descriptors.size;
    });
    expect(problem).toBeNull();
    // The ring, the listener, the client, and what was accepted.
    expect(openInside).toBe(4);
    expectNothingLeft(recording);
  });
});

describe('TrialRing.take', () => {
  ringTest('6.1', 'tells operations apart', () => {
    const problem = attempt(recordKernel().host.kernel, (trial) => {
      const ring = trial.ring();
      const first = ring.begin((sqe) => prepPollAdd(sqe, -1, POLLIN));
      const second = ring.begin(prepNop);
      expect(ring.take(second).result).toBe(0);
      expect(ring.take(first).result).toBeLessThan(0);
    });
    expect(problem).toBeNull();
  });

  ringTest('6.1', 'gives up when nothing comes', () => {
    const recording = recordKernel();
    const problem = attempt(recording.host.kernel, (trial) => {
      const { fd } = listen(trial);
      const ring = trial.ring();
      ring.run((sqe) => prepPollAdd(sqe, fd, POLLIN));
    });
    expect(problem).toBe('No completion came');
    expectNothingLeft(recording);
  });
});
