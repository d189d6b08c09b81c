/**
 * How programs end: by themselves when nothing referenced is left, by `process.exit` from anywhere,
 * by signals. The ring must neither hold a program back nor let it go too early.
 */

import { describe, expect, it } from 'vitest';
import { hosts, runProgram, runToEnd } from './host.ts';

interface LifecycleReport {
  readonly seen: readonly string[];
  readonly code: number;
  readonly inFlight: number;
  readonly tookMs: number;
}

interface ExitReport {
  readonly exits: number;
}

const lifecycle = new URL('programs/lifecycle.mjs', import.meta.url);
const exitInside = new URL('programs/exit-inside.mjs', import.meta.url);
const waiting = new URL('programs/waiting.mjs', import.meta.url);

/** Nothing here takes more than 25 ms; somebody who waits for a time limit takes two seconds. */
const LATE_MS_MAX = 1900;

const expectations: Record<string, readonly string[]> = {
  'nothing open': ['done', 'beforeExit'],
  'work from beforeExit': 'beforeExit nop beforeExit nop beforeExit await beforeExit'.split(' '),
  'listener closed by a timer': ['timer', 'closed', 'beforeExit'],
  'listener without reference': ['beforeExit'],
  'listener without reference after other work': ['done', 'beforeExit'],
  'listener loses its reference later': ['timer', 'beforeExit'],
  'listener loses and regains its reference': ['timer', 'beforeExit'],
  'streams without reference': ['beforeExit'],
  'unreferenced timer beside an unreferenced listener': ['beforeExit'],
  'runtime closed': ['true', 'beforeExit'],
  'connections one after the other': ['0', '1', '2', 'ECONNREFUSED', 'beforeExit'],
};

describe('a program ends by itself', () => {
  for (const [name, seen] of Object.entries(expectations)) {
    it.each(hosts)(`${name} on $label`, async (host) => {
      const report = await runProgram<LifecycleReport>(host, lifecycle, [name]);
      expect(report).toMatchObject({ seen, code: 0, inFlight: 0 });
      expect(report.tookMs).toBeLessThan(LATE_MS_MAX);
    });
  }

  it.each(hosts)(
    'with code 13 when it waits for what keeps nothing alive on $label',
    async (host) => {
      const name = 'waits for ever on what has no reference';
      const options = { code: 13, stderr: /unsettled top-level await|^$/i };
      const report = await runProgram<LifecycleReport>(host, lifecycle, [name], options);
      expect(report.seen).toEqual(['beforeExit']);
      expect(report.tookMs).toBeLessThan(LATE_MS_MAX);
    },
  );
});

describe('process.exit', () => {
  const places = ['callback', 'await', 'tick', 'data', 'read', 'timer', 'immediate'];
  for (const place of places) {
    it.each(hosts)(`works at once in ${place} on $label`, async (host) => {
      const { exits, elapsedMs } = await runProgram<ExitReport>(host, exitInside, [place], {
        code: 7,
      });
      expect(exits).toBe(1);
      expect(elapsedMs).toBeLessThan(LATE_MS_MAX);
    });
  }
});

describe('a signal without a handler', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it.each(hosts)(`${signal} ends a program that sleeps on $label`, async (host) => {
      const { code, signal: endedBy, stderr } = await runToEnd(host, waiting, [signal]);
      expect({ code, endedBy, stderr }).toEqual({ code: null, endedBy: signal, stderr: '' });
    });
  }
});
