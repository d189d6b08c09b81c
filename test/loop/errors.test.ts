/**
 * Errors that nobody catches: thrown from callbacks of every kind they reach `uncaughtException`
 * and the loop goes on, or the process dies of them with their own stack. Rejections likewise.
 */

import { describe, expect, it } from 'vitest';
import { hosts, ringHosts, runProgram, runToEnd } from './host.ts';

interface UncaughtReport {
  readonly caught: readonly (readonly [message: string, origin: string])[];
}

interface RejectionReport {
  readonly seen: readonly string[];
}

const uncaught = new URL('programs/uncaught.mjs', import.meta.url);
const rejection = new URL('programs/rejection.mjs', import.meta.url);

const thrown = ['thrown on purpose', 'uncaughtException'];
const workedAfterwards = ['still here', ''];
const ownPlaces = ['callback', 'tick', 'microtask', 'open', 'data', 'close', 'error', 'dataTick'];
const places = [...ownPlaces, 'timer', 'immediate'];

describe('an error that is thrown', () => {
  for (const place of places) {
    it.each(hosts)(
      `in ${place} reaches the handler, and the loop goes on on $label`,
      async (host) => {
        const { caught } = await runProgram<UncaughtReport>(host, uncaught, [place, 'handled']);
        expect(caught).toEqual([thrown, workedAfterwards]);
      },
    );

    it.each(hosts)(`in ${place} ends the process without a handler on $label`, async (host) => {
      const { code, stdout, stderr } = await runToEnd(host, uncaught, [place]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('Error: thrown on purpose');
      // Its own stack, with the function that threw on top.
      expect(stderr).toMatch(/Error: thrown on purpose\n {4}at .*thrower.*uncaught\.mjs/);
    });
  }

  it.each(hosts)(
    'by several callbacks of a batch keeps none of the others on $label',
    async (host) => {
      const { caught } = await runProgram<UncaughtReport>(host, uncaught, ['batch', 'handled']);
      expect(caught).toEqual([thrown, thrown, thrown, ['calls 1', ''], workedAfterwards]);
    },
  );

  it.each(ringHosts)(
    'by a listener of an event does not break the ring on $label',
    async (host) => {
      const { caught } = await runProgram<UncaughtReport>(host, uncaught, ['resize', 'handled']);
      expect(caught).toEqual([thrown, workedAfterwards]);
    },
  );
});

describe('a rejection that nobody handles', () => {
  it.each(hosts)('reaches the handler; one that is handled does not on $label', async (host) => {
    const { seen } = await runProgram<RejectionReport>(host, rejection, ['handled']);
    const expected = ['rejected on purpose', 'ECONNREFUSED', 'caught ECONNREFUSED'];
    expect(seen.toSorted()).toEqual(expected.toSorted());
  });

  it.each(hosts)('ends the process without a handler on $label', async (host) => {
    const { code, stdout, stderr } = await runToEnd(host, rejection, []);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/Error: rejected on purpose\n {4}at .*rejection\.mjs/);
  });
});
