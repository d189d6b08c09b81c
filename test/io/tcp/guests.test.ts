/**
 * Guests: who is inside, who is asked to leave, and that the last one is noticed once.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Guests } from '../../../src/io/tcp/guests.ts';
import { RingConnection } from '../../../src/io/tcp/ring-connection.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tcpPair } from '../../support/tcp-pair.ts';

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

ringTest(
  '6.1',
  'keep the descriptor of a connection that closes until they leave',
  async (test) => {
    test.open();
    const { client, server } = await tcpPair();
    const connection = client.takeConnection();
    if (!(connection instanceof RingConnection)) throw new Error('A connection on the ring');
    let isAsked = false;
    let isClosed = false;
    const guest = { cancel: () => void (isAsked = true) };
    connection.guests.enter(guest);
    const closing = client.destroy().then(() => (isClosed = true));
    for (let turns = 0; turns < 50; turns += 1) await nextTurn();
    expect([isAsked, isClosed]).toEqual([true, false]);
    connection.guests.leave(guest);
    await closing;
    await server.destroy();
  },
);
