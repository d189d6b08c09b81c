/**
 * Which timers of the heap fire, beside a host that has timers of its own: the host is an object
 * here that says when its next one is due.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import type { HostLoop } from '../../src/native/index.ts';
import { DueTimers } from '../../src/runtime/due-timers.ts';
import { Metrics } from '../../src/runtime/metrics.ts';
import { Timer, TimerHeap } from '../../src/runtime/timer-heap.ts';
import { macrotask } from '../support/sim-loop.ts';
import { uncaughtErrors } from '../support/uncaught-errors.ts';

let heap: TimerHeap;
let metrics: Metrics;
let due: DueTimers;
let nowMs: number;
let hostTimeoutMs: number;
let hostsDue: number;
let fired: string[];

beforeEach(() => {
  heap = new TimerHeap();
  metrics = new Metrics();
  nowMs = 0;
  hostTimeoutMs = -1;
  hostsDue = 0;
  fired = [];
  const loop = { updateTime: () => {}, timeoutMs: () => hostTimeoutMs };
  due = new DueTimers(heap, loop as unknown as HostLoop, metrics, {
    nowMs: () => nowMs,
    onHostDue: () => {
      hostsDue += 1;
    },
  });
});

function add(name: string, deadlineMs: number, fire?: () => void): void {
  heap.add(
    new Timer(
      deadlineMs,
      () => {
        fired.push(name);
        fire?.();
      },
      null,
    ),
  );
}

describe('DueTimers.fire', () => {
  it('fires what is due in the order of deadlines, and nothing else', () => {
    add('later', 5.1);
    add('second', 5);
    add('first', 4.5);
    nowMs = 5;
    due.fire(false);
    expect(fired).toEqual(['first', 'second']);
    expect([heap.size, metrics.timersFired]).toEqual([1, 2]);
  });

  it('lets a timer of the host go first, and fires its own in the turn after', () => {
    add('ours', 5);
    nowMs = 6;
    hostTimeoutMs = 0;
    due.fire(false);
    expect([fired, hostsDue]).toEqual([[], 1]);
    due.yieldToHost();
    due.fire(false);
    expect([fired, hostsDue]).toEqual([['ours'], 1]);
  });

  it('leaves what is added meanwhile to the next tick', () => {
    nowMs = 5;
    add('first', 1, () => add('added', 1));
    due.fire(false);
    expect(fired).toEqual(['first']);
    due.fire(false);
    expect(fired).toEqual(['first', 'added']);
  });

  it('goes on after one that throws, and drains after each', async () => {
    nowMs = 5;
    const broken = new Error('broken');
    add('throws', 1, () => {
      process.nextTick(() => fired.push('tick'));
      throw broken;
    });
    add('next', 2);
    const errors = await uncaughtErrors(() => macrotask(() => due.fire(true)));
    expect(fired).toEqual(['throws', 'tick', 'next']);
    expect(errors).toEqual([broken]);
  });
});
