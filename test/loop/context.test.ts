/**
 * `AsyncLocalStorage` through every await and every event, and the order of ticks, microtasks and
 * immediates around completions.
 */

import { describe, expect, it } from 'vitest';
import { hosts, ringHosts, runProgram } from './host.ts';

interface ContextReport {
  readonly wrong: readonly string[];
  readonly checks: readonly string[];
}

interface OrderReport {
  readonly insideCallback: readonly string[];
  readonly afterAwait: readonly string[];
  readonly nestedTicks: readonly string[];
  readonly betweenSockets: readonly string[];
  readonly immediateDuringLoop: number;
}

const context = new URL('programs/context.mjs', import.meta.url);
const order = new URL('programs/order.mjs', import.meta.url);

describe('AsyncLocalStorage', () => {
  it.each(hosts)('has its store after every await and in every event on $label', async (host) => {
    const { wrong, checks } = await runProgram<ContextReport>(host, context, ['paths']);
    expect(wrong).toEqual([]);
    for (const name of ['nop', 'File.read', 'TcpStream.read', 'data', 'drain', 'close']) {
      expect(checks).toContain(name);
    }
    expect(checks.length).toBeGreaterThan(20);
  });

  it.each(hosts)('loses the store of a callback that threw on $label', async (host) => {
    const { wrong, checks } = await runProgram<ContextReport>(host, context, ['throws']);
    expect(wrong).toEqual([]);
    expect(checks).toEqual(['after a throw']);
  });
});

describe('around a completion', () => {
  it.each(hosts)('ticks, microtasks and immediates run in their order on $label', async (host) => {
    const report = await runProgram<OrderReport>(host, order, []);
    expect(report.insideCallback.slice(0, 3)).toEqual(['callback', 'tick', 'microtask']);
    expect(report.afterAwait).toEqual(['sync', 'microtask', 'tick', 'immediate']);
    expect(report.nestedTicks).toEqual(['tick 1', 'microtask 1', 'tick 2']);
    const one = ['data', 'tick', 'microtask'];
    expect(report.betweenSockets).toEqual([...one, ...one]);
  });

  it.each(ringHosts)('an immediate comes before a timer, and soon on $label', async (host) => {
    const report = await runProgram<OrderReport>(host, order, []);
    expect(report.insideCallback.slice(3)).toEqual(['immediate', 'timeout']);
    // One completion a tick: the loop may not keep an immediate for a whole turn.
    expect(report.immediateDuringLoop).toBeLessThan(32);
  });
});
