/**
 * `diagnose()` on this kernel, on lesser ones, and without io_uring: what it says, that it leaves
 * nothing behind, and that an open runtime does not notice.
 */

import { readFileSync } from 'node:fs';
import type * as Fs from 'node:fs';
import { release } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  EACCES,
  EINVAL,
  ENOSYS,
  EPERM,
  IORING_REGISTER_RESIZE_RINGS,
} from '../../src/native/index.ts';
import type { Host } from '../../src/native/index.ts';
import { diagnose, diagnoseHost } from '../../src/runtime/diagnosis.ts';
import type { Diagnosis, FeatureName } from '../../src/runtime/diagnosis.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { recordKernel } from '../support/recording-kernel.ts';
import { openDescriptors, ringTest } from '../support/ring-test.ts';

/** Texts that stand in for what the kernel would show. */
const faked = vi.hoisted(() => new Map<string, string>());
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof Fs>();
  const read = (path: string, encoding: BufferEncoding): string =>
    faked.get(path) ?? fs.readFileSync(path, encoding);
  return { ...fs, readFileSync: read };
});

const names: FeatureName[] = [
  'deferTaskrun',
  'registeredWaits',
  'minWait',
  'ringResize',
  'memoryRegions',
  'hybridIopoll',
  'napiDynamic',
  'napiStatic',
  'sendMsgRingSync',
  'cloneBuffers',
  'cloneBuffersOffset',
  'nopResources',
  'providedBufferRings',
  'incrementalBuffers',
  'multishotAccept',
  'multishotReceive',
  'zeroCopySend',
  'registeredRingDescriptor',
  'noIowait',
];

afterEach(() => {
  faked.clear();
  vi.unstubAllEnvs();
});

function namesWhere({ features }: Diagnosis, field: 'available' | 'inUse'): string[] {
  return names.filter((name) => features[name][field]);
}

/** A kernel that answers `io_uring_setup` with an error. */
function refusingHost(errno: number): Host {
  const memory = { address: 4096, size: 4096, buffer: new ArrayBuffer(4096), free() {} };
  const kernel = { allocate: () => memory, ioUringSetup: () => -errno, nowMs: () => 0 };
  return { kernel, loop: {} } as unknown as Host;
}

function expectNothing(diagnosis: Diagnosis): void {
  expect(diagnosis.backend).toBe('libuv');
  expect(Object.keys(diagnosis.features)).toEqual(names);
  for (const feature of Object.values(diagnosis.features)) {
    expect(feature).toEqual({
      available: false,
      inUse: false,
      since: expect.stringMatching(/^\d\.\d+$/),
      note: diagnosis.reason,
    });
  }
}

describe('diagnose on io_uring', () => {
  ringTest('6.18', 'finds everything, and says what is in use', () => {
    const diagnosis = diagnose();
    expect(diagnosis).toEqual({
      backend: 'uring',
      reason: null,
      kernel: release(),
      node: process.version,
      features: expect.any(Object),
    });
    expect(Object.keys(diagnosis.features)).toEqual(names);
    expect(namesWhere(diagnosis, 'available')).toEqual(names);
    expect(namesWhere(diagnosis, 'inUse')).toEqual([
      'deferTaskrun',
      'registeredWaits',
      'ringResize',
      'memoryRegions',
      'providedBufferRings',
      'multishotAccept',
      'multishotReceive',
      'registeredRingDescriptor',
      'noIowait',
    ]);
  });

  ringTest('6.13', 'follows the options of the open runtime', (ring) => {
    ring.open({ registeredWaits: false, resize: false, minWait: { count: 8, micros: 100 } });
    const { features } = diagnose();
    expect(features.registeredWaits).toMatchObject({ available: true, inUse: false });
    expect(features.memoryRegions).toMatchObject({ available: true, inUse: false });
    expect(features.ringResize).toMatchObject({ available: true, inUse: false });
    expect(features.minWait).toMatchObject({ available: true, inUse: true });
  });

  ringTest('6.1', 'says why a feature is missing', () => {
    const { host } = recordKernel((kernel) => ({
      ioUringRegister: (fd, opcode, address, count) =>
        opcode === IORING_REGISTER_RESIZE_RINGS
          ? -EINVAL
          : kernel.ioUringRegister(fd, opcode, address, count),
    }));
    const { backend, features } = diagnoseHost(host);
    expect(backend).toBe('uring');
    expect(features.ringResize).toEqual({
      available: false,
      inUse: false,
      since: '6.13',
      note: 'IORING_REGISTER_RESIZE_RINGS failed with EINVAL',
    });
    expect(features.deferTaskrun.available).toBe(true);
  });
});

describe('diagnose', () => {
  ringTest('6.1', 'gives back every descriptor and every mapping', () => {
    const { host, descriptors, mappings } = recordKernel();
    expect(diagnoseHost(host).backend).toBe('uring');
    expect([...descriptors]).toEqual([]);
    expect(mappings.size).toBe(0);
  });

  ringTest('6.1', 'leaves nothing in /proc, however often it runs', () => {
    // More often than a thread can register descriptors of rings.
    const TIMES = 20;
    const first = diagnose();
    const before = openDescriptors();
    const maps = countRingMappings();
    for (let i = 0; i < TIMES; i += 1) expect(diagnose()).toEqual(first);
    expect(openDescriptors().size).toBe(before.size);
    expect(countRingMappings()).toBe(maps);
  });

  ringTest('6.1', 'does not disturb the open runtime', async (ring) => {
    const runtime = ring.open();
    const pending = runtime.nop();
    const before = { ...runtime.metrics(), descriptors: openDescriptors().size };
    const maps = countRingMappings();
    expect(diagnose().backend).toBe('uring');
    const after = { ...runtime.metrics(), descriptors: openDescriptors().size };
    expect({ ...after, uptimeMs: 0, sleeps: 0 }).toEqual({ ...before, uptimeMs: 0, sleeps: 0 });
    expect(countRingMappings()).toBe(maps);
    expect(await pending).toBe(0);
    expect(await runtime.nop()).toBe(0);
  });

  ringTest('6.1', 'leaves the thread free to open a runtime', async (ring) => {
    diagnose();
    expect(await ring.open().nop()).toBe(0);
  });
});

describe('diagnose without io_uring', () => {
  it('names the kill switch, and tries nothing', () => {
    vi.stubEnv('ONERING_BACKEND', 'libuv');
    const diagnosis = diagnose();
    expectNothing(diagnosis);
    expect(diagnosis.reason).toContain('ONERING_BACKEND is libuv: unset it');
  });

  it('refuses a kill switch that does not exist', () => {
    vi.stubEnv('ONERING_BACKEND', 'epoll');
    expect(() => diagnose()).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it('names the option of the open runtime', async () => {
    vi.stubEnv('ONERING_BACKEND', undefined);
    const runtime = new Runtime({ backend: 'libuv' });
    const diagnosis = diagnose();
    await runtime.close();
    expectNothing(diagnosis);
    expect(diagnosis.reason).toContain("option backend: 'libuv'");
  });

  it('says what another platform lacks', () => {
    const diagnosis = diagnoseHost('the platform is darwin, not linux');
    expectNothing(diagnosis);
    expect(diagnosis.reason).toMatch(/^the platform is darwin, not linux: .*Linux 6\.1/);
  });

  it.each([1, 2])('says how to undo the sysctl %d', (value) => {
    faked.set('/proc/sys/kernel/io_uring_disabled', `${value}\n`);
    const diagnosis = diagnoseHost(refusingHost(EPERM));
    expectNothing(diagnosis);
    expect(diagnosis.reason).toContain(`kernel.io_uring_disabled is ${value} (EPERM)`);
    expect(diagnosis.reason).toContain('sysctl -w kernel.io_uring_disabled=0');
  });

  it.each([
    ['EPERM', EPERM],
    ['EACCES', EACCES],
    ['ENOSYS', ENOSYS],
  ])('names a filter that answers %s', (name, errno) => {
    faked.set('/proc/sys/kernel/io_uring_disabled', '0\n');
    faked.set('/proc/self/status', 'Name:\tnode\nSeccomp:\t2\n');
    const diagnosis = diagnoseHost(refusingHost(errno));
    expectNothing(diagnosis);
    expect(diagnosis.reason).toContain(`A seccomp filter forbids io_uring (${name})`);
    expect(diagnosis.reason).toContain('--security-opt seccomp=');
  });

  it('tells a kernel without io_uring, or with too old a one', () => {
    faked.set('/proc/sys/kernel/io_uring_disabled', '');
    faked.set('/proc/self/status', 'Seccomp:\t0\n');
    expect(diagnoseHost(refusingHost(ENOSYS)).reason).toContain('The kernel has no io_uring');
    expect(diagnoseHost(refusingHost(EINVAL)).reason).toContain('Linux 6.1 or newer is needed');
  });
});

/** From Node 22 on libuv may have rings of its own. */
function countRingMappings(): number {
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return maps.filter((line) => line.includes('[io_uring]')).length;
}
