/**
 * Guests: who is inside, who is asked to leave, and that the last one is noticed once.
 */

import { describe, expect, it } from 'vitest';
import { Guests } from '../../../src/io/tcp/guests.ts';

describe('Guests', () => {
  it('tells when the last one leaves, and only then', () => {
    const told: number[] = [];
    const guests = new Guests(() => told.push(guests.size));
    const [a, b] = [{ cancel() {} }, { cancel() {} }];
    guests.enter(a);
    guests.enter(a);
    guests.enter(b);
    expect(guests.size).toBe(2);
    guests.leave(a);
    expect(told).toEqual([]);
    guests.leave(b);
    guests.leave(b);
    expect(told).toEqual([0]);
  });

  it('asks everybody to leave', () => {
    const asked: string[] = [];
    const guests = new Guests(() => {});
    guests.enter({ cancel: () => void asked.push('a') });
    guests.enter({ cancel: () => void asked.push('b') });
    guests.cancel();
    expect(asked).toEqual(['a', 'b']);
    expect(guests.size).toBe(2);
  });
});
